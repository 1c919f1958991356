//! The values of all sources as one tree, each value knowing its place. Later sources win.

use super::fault::Notes;
use super::problem::Problem;
use super::source::{Kind, Place, Sources};
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) place: Place,
    pub(crate) value: Value,
    /// The raw text of a value from the environment or the command line: `5060` may be meant as text there.
    pub(crate) loose: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Fraction,
    List(Vec<Item>),
    Moment,
    Table(Table),
    Text(String),
    Truth(bool),
    Whole(i64),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Table(pub(crate) BTreeMap<String, Entry>);

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key_place: Place,
    pub(crate) item: Item,
}

/// Syntax errors of one file that are shown; more would only be echoes of the first.
const SYNTAX_FAULTS_MAX: usize = 20;
/// Fields that make two elements of a list the same one, for merging.
const IDENTITY: [&str; 3] = ["name", "user", "dialled"];

impl Value {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Fraction => "float",
            Self::List(_) => "list",
            Self::Moment => "datetime",
            Self::Table(_) => "table",
            Self::Text(_) => "text",
            Self::Truth(_) => "boolean",
            Self::Whole(_) => "integer",
        }
    }
}

/// Parses a file's text; what is broken becomes faults, what is whole is kept.
pub(crate) fn parse(sources: &mut Sources, kind: Kind, text: String, notes: &Notes) -> Table {
    let source = sources.add(kind, text);
    let (table, errors) = DeTable::parse_recoverable(sources.text(source));
    for error in errors.iter().take(SYNTAX_FAULTS_MAX) {
        let span = error.span().unwrap_or(0..0);
        let place = Place {
            source,
            start: span.start,
            end: span.end,
        };
        notes.error(Some(place), Problem::Syntax(error.message().to_owned()));
    }
    table_of(source, 0, table.get_ref())
}

/// One `key.path=value` of the command line or the environment: the value is TOML, or else plain text.
pub(crate) fn single(sources: &mut Sources, kind: Kind, text: String, path: &[String]) -> Table {
    let source = sources.add(kind, text);
    let whole = sources.text(source);
    let equals = whole.find('=').unwrap_or(whole.len());
    let key_place = Place {
        source,
        start: 0,
        end: equals,
    };
    let offset = (equals + 1).min(whole.len());
    let raw = whole.get(offset..).unwrap_or_default();
    let mut item = match DeValue::parse(raw) {
        Ok(value) => item_of(source, offset, &value),
        Err(_) => Item {
            place: Place {
                source,
                start: offset,
                end: whole.len(),
            },
            value: Value::Text(raw.to_owned()),
            loose: None,
        },
    };
    if !matches!(
        item.value,
        Value::Table(_) | Value::List(_) | Value::Text(_)
    ) {
        item.loose = Some(raw.to_owned());
    }
    let mut path = path.iter().rev();
    let mut table = Table::default();
    if let Some(last) = path.next() {
        table.0.insert(last.clone(), Entry { key_place, item });
    }
    for name in path {
        let item = Item {
            place: key_place,
            value: Value::Table(table),
            loose: None,
        };
        table = Table(BTreeMap::from([(name.clone(), Entry { key_place, item })]));
    }
    table
}

/// Lays `from` over `into`: tables are merged, elements of lists of tables by their name, all else is replaced.
pub(crate) fn merge(into: &mut Table, from: Table) {
    for (key, entry) in from.0 {
        match into.0.get_mut(&key) {
            Some(old) => merge_entry(old, entry),
            None => {
                into.0.insert(key, entry);
            }
        }
    }
}

fn merge_entry(old: &mut Entry, new: Entry) {
    match (&mut old.item.value, new.item.value) {
        (Value::Table(into), Value::Table(from)) => merge(into, from),
        (Value::List(into), Value::List(from)) if are_named(into) && are_named(&from) => {
            for element in from {
                merge_element(into, element);
            }
        }
        (_, value) => {
            *old = Entry {
                key_place: new.key_place,
                item: Item { value, ..new.item },
            };
        }
    }
}

fn merge_element(into: &mut Vec<Item>, element: Item) {
    let Value::Table(table) = element.value else {
        into.push(element);
        return;
    };
    let same = into.iter_mut().find_map(|old| match &mut old.value {
        Value::Table(found) if is_same(found, &table) => Some(found),
        _ => None,
    });
    match same {
        Some(found) => merge(found, table),
        None => into.push(Item {
            value: Value::Table(table),
            ..element
        }),
    }
}

/// Lists of trunks, routes, counsellors; a list of anything else is one value.
fn are_named(list: &[Item]) -> bool {
    list.iter().all(|item| match &item.value {
        Value::Table(table) => IDENTITY.iter().any(|field| table.0.contains_key(*field)),
        _ => false,
    })
}

fn is_same(a: &Table, b: &Table) -> bool {
    let named = |table: &Table, field: &str| match table.0.get(field).map(|entry| &entry.item.value)
    {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let is_equal = |field: &&str| named(a, field).is_some() && named(a, field) == named(b, field);
    // Two routes of one number differ by their trunk.
    IDENTITY.iter().any(is_equal) && named(a, "trunk") == named(b, "trunk")
}

fn table_of(source: usize, offset: usize, table: &DeTable<'_>) -> Table {
    let entries = table.iter().map(|(key, value)| {
        let key_place = place_of(source, offset, key);
        (
            key.get_ref().to_string(),
            Entry {
                key_place,
                item: item_of(source, offset, value),
            },
        )
    });
    Table(entries.collect())
}

fn item_of(source: usize, offset: usize, value: &Spanned<DeValue<'_>>) -> Item {
    let kept = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Fraction, Value::Whole),
        DeValue::Float(_) => Value::Fraction,
        DeValue::Boolean(truth) => Value::Truth(*truth),
        DeValue::Datetime(_) => Value::Moment,
        DeValue::Array(list) => Value::List(
            list.iter()
                .map(|item| item_of(source, offset, item))
                .collect(),
        ),
        DeValue::Table(table) => Value::Table(table_of(source, offset, table)),
    };
    Item {
        place: place_of(source, offset, value),
        value: kept,
        loose: None,
    }
}

fn place_of<T>(source: usize, offset: usize, spanned: &Spanned<T>) -> Place {
    let span = spanned.span();
    Place {
        source,
        start: offset + span.start,
        end: offset + span.end,
    }
}
