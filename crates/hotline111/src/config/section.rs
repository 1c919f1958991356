//! Reads one table key by key: each key asked for is known, and what nobody asked for is a fault.

use super::fault::Notes;
use super::problem::{Expected, Problem, Thing};
use super::source::Place;
use super::tree::{Entry, Item, Table, Value};
use super::value::{Placed, Scalar, bad, read_list};

/// A table being read. A section that stands nowhere reads as all defaults.
pub(crate) struct Section<'a> {
    notes: &'a Notes,
    /// `sip`, `trunk.viettel`, `node.entry`; empty for the root.
    path: String,
    table: Option<&'a Table>,
    place: Option<Place>,
    asked: Vec<String>,
}

impl<'a> Section<'a> {
    pub(crate) fn root(notes: &'a Notes, table: &'a Table, place: Option<Place>) -> Self {
        Self {
            notes,
            path: String::new(),
            table: Some(table),
            place,
            asked: Vec::new(),
        }
    }

    pub(crate) fn notes(&self) -> &'a Notes {
        self.notes
    }

    /// Where the section stands.
    pub(crate) fn place(&self) -> Option<Place> {
        self.place
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.0.contains_key(key))
    }

    /// The section as messages call it: `[sip]`.
    pub(crate) fn title(&self) -> String {
        if self.path.is_empty() {
            "the file".to_owned()
        } else {
            format!("[{}]", self.path)
        }
    }

    /// The path of a key below this section.
    fn below(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// Another name in messages and `config show`: elements of lists are called by what they are.
    pub(crate) fn call(&mut self, path: String) {
        self.path = path;
    }

    /// The raw entry; the key counts as known from now on.
    pub(crate) fn entry(&mut self, key: &str) -> Option<&'a Entry> {
        self.asked.push(key.to_owned());
        self.table?.0.get(key)
    }

    /// A value that may be left out.
    pub(crate) fn optional<T: Scalar>(&mut self, key: &str) -> Option<T> {
        let item = &self.entry(key)?.item;
        let Some(value) = T::read(item) else {
            self.notes
                .error(Some(item.place), bad(key, T::EXPECTED, item));
            return None;
        };
        self.notes
            .show(self.below(key), value.show(), Some(item.place));
        Some(value)
    }

    /// A value with a default.
    pub(crate) fn or<T: Scalar>(&mut self, key: &str, default: T) -> T {
        if !self.has(key) {
            self.notes.show(self.below(key), default.show(), None);
        }
        self.optional(key).unwrap_or(default)
    }

    /// A value with a default and bounds.
    pub(crate) fn or_within<T: Scalar + PartialOrd>(
        &mut self,
        key: &str,
        default: T,
        least: T,
        most: T,
    ) -> T {
        let value = self.or(key, default);
        if value >= least && value <= most {
            return value;
        }
        let problem = Problem::OutOfRange {
            key: key.to_owned(),
            found: value.show(),
            least: least.show(),
            most: most.show(),
        };
        self.notes.error(self.value_place(key), problem);
        least
    }

    /// A value that must be given.
    pub(crate) fn required<T: Scalar>(&mut self, key: &str) -> Option<T> {
        if !self.has(key) {
            let problem = Problem::Missing {
                key: key.to_owned(),
                section: self.title(),
            };
            self.notes.error(self.place, problem);
        }
        self.optional(key)
    }

    /// A list that may be left out; a single value counts as a list of one.
    pub(crate) fn list<T: Scalar>(&mut self, key: &str) -> Option<Vec<T>> {
        let item = &self.entry(key)?.item;
        let list: Vec<T> = read_list(key, item, |place, problem| {
            self.notes.error(Some(place), problem)
        });
        let shown: Vec<String> = list.iter().map(Scalar::show).collect();
        self.notes.show(
            self.below(key),
            format!("[{}]", shown.join(", ")),
            Some(item.place),
        );
        Some(list)
    }

    /// A list with a default.
    pub(crate) fn list_or<T: Scalar>(&mut self, key: &str, default: Vec<T>) -> Vec<T> {
        if !self.has(key) {
            let shown: Vec<String> = default.iter().map(Scalar::show).collect();
            self.notes
                .show(self.below(key), format!("[{}]", shown.join(", ")), None);
        }
        self.list(key).unwrap_or(default)
    }

    /// The items of a list, unread.
    pub(crate) fn items(&mut self, key: &str) -> &'a [Item] {
        match self.entry(key).map(|entry| &entry.item) {
            None => &[],
            Some(Item {
                value: Value::List(list),
                ..
            }) => list,
            Some(item) => std::slice::from_ref(item),
        }
    }

    /// A table below this one.
    pub(crate) fn section(&mut self, key: &str) -> Section<'a> {
        let path = self.below(key);
        match self.entry(key) {
            Some(entry) => self.sub(path, key, entry),
            None => Section {
                notes: self.notes,
                path,
                table: None,
                place: self.place,
                asked: Vec::new(),
            },
        }
    }

    /// The tables of a table of tables, in the order of the text: `[queue.child]`, `[queue.urgent]`.
    pub(crate) fn named(&mut self, key: &str) -> Vec<(Placed<String>, Section<'a>)> {
        let mut parent = self.section(key);
        let mut entries: Vec<(&'a String, &'a Entry)> = parent
            .table
            .map_or_else(Vec::new, |table| table.0.iter().collect());
        entries.sort_by_key(|(_, entry)| (entry.key_place.source, entry.key_place.start));
        let mut sections = Vec::with_capacity(entries.len());
        for (name, entry) in entries {
            let path = parent.below(name);
            let section = parent.sub(path, name, entry);
            sections.push((
                Placed {
                    value: name.clone(),
                    place: entry.key_place,
                },
                section,
            ));
        }
        parent.asked.clear();
        sections
    }

    /// The tables of a list of tables: `[[trunk]]`.
    pub(crate) fn tables(&mut self, key: &str) -> Vec<Section<'a>> {
        let path = self.below(key);
        let mut sections = Vec::new();
        for item in self.items(key) {
            match &item.value {
                Value::Table(table) => sections.push(Section {
                    notes: self.notes,
                    path: path.clone(),
                    table: Some(table),
                    place: Some(item.place),
                    asked: Vec::new(),
                }),
                _ => self
                    .notes
                    .error(Some(item.place), bad(key, Expected::Table, item)),
            }
        }
        sections
    }

    /// The keys of this section that are in the text, in its order, each with its entry. All count as known.
    pub(crate) fn every(&mut self) -> Vec<(&'a str, &'a Entry)> {
        let mut entries: Vec<(&'a str, &'a Entry)> = self.table.map_or_else(Vec::new, |table| {
            table
                .0
                .iter()
                .map(|(key, entry)| (key.as_str(), entry))
                .collect()
        });
        entries.sort_by_key(|(_, entry)| (entry.key_place.source, entry.key_place.start));
        self.asked
            .extend(entries.iter().map(|(key, _)| (*key).to_owned()));
        entries
    }

    /// Where a key's value stands, else where the section does.
    pub(crate) fn value_place(&self, key: &str) -> Option<Place> {
        let entry = self.table.and_then(|table| table.0.get(key));
        entry.map(|entry| entry.item.place).or(self.place)
    }

    /// A section read from an item that is not a key's own (an element of `say`).
    pub(crate) fn of_item(
        &self,
        key: &str,
        item: &'a Item,
        expected: Expected,
    ) -> Option<Section<'a>> {
        let Value::Table(table) = &item.value else {
            self.notes.error(Some(item.place), bad(key, expected, item));
            return None;
        };
        let path = self.below(key);
        Some(Section {
            notes: self.notes,
            path,
            table: Some(table),
            place: Some(item.place),
            asked: Vec::new(),
        })
    }

    /// Ends the reading: keys that nobody asked for are faults.
    pub(crate) fn finish(self) {
        let Some(table) = self.table else { return };
        for (key, entry) in &table.0 {
            if self.asked.iter().any(|asked| asked == key) {
                continue;
            }
            let problem = Problem::UnknownKey {
                key: key.clone(),
                section: self.title(),
                nearest: nearest(key, self.asked.iter().map(String::as_str)),
            };
            self.notes.error(Some(entry.key_place), problem);
        }
    }

    fn sub(&self, path: String, key: &str, entry: &'a Entry) -> Section<'a> {
        let table = match &entry.item.value {
            Value::Table(table) => Some(table),
            _ => {
                self.notes.error(
                    Some(entry.item.place),
                    bad(key, Expected::Table, &entry.item),
                );
                None
            }
        };
        Section {
            notes: self.notes,
            path,
            table,
            place: Some(entry.key_place),
            asked: Vec::new(),
        }
    }
}

/// The index of a name in a list of names, or a fault that suggests the nearest.
pub(crate) fn resolve<'n>(
    notes: &Notes,
    thing: Thing,
    name: &Placed<String>,
    names: impl Iterator<Item = &'n str> + Clone,
) -> Option<usize> {
    let found = names.clone().position(|known| known == name.value);
    if found.is_none() {
        let nearest = nearest(&name.value, names);
        notes.error(
            Some(name.place),
            Problem::Unknown {
                thing,
                name: name.value.clone(),
                nearest,
            },
        );
    }
    found
}

/// The known word that differs least from `word`, if it differs little.
pub(crate) fn nearest<'n>(word: &str, known: impl Iterator<Item = &'n str>) -> Option<String> {
    let limit = (word.chars().count() / 3).clamp(1, 3);
    known
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

/// Letters to insert, drop, change or swap with the neighbour to make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut previous = None;
    for (row, letter) in a.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, other) in b.iter().enumerate() {
            let at =
                |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut cost = (at(&last, column) + usize::from(letter != *other))
                .min(at(&last, column + 1) + 1)
                .min(at(&current, column) + 1);
            let is_swap =
                column > 0 && previous == Some(*other) && b.get(column - 1) == Some(&letter);
            if is_swap {
                cost = cost.min(at(&before_last, column - 1) + 1);
            }
            current.push(cost);
        }
        before_last = std::mem::replace(&mut last, current);
        previous = Some(letter);
    }
    last.last().copied().unwrap_or_default()
}
