//! Area codes and the centres that serve them: `config/data/provinces.csv`.

use hotline_switchboard::{RegionRule, RegionSource};

/// The table as it was built in.
const PROVINCES: &str = include_str!("../../../../config/data/provinces.csv");

/// One rule for each area code: who calls from there is at home in that centre. Longer codes first, so that none
/// hides another.
pub(crate) fn rules() -> Vec<RegionRule> {
    let mut lines = PROVINCES.lines();
    let head: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let column = |name: &str| head.iter().position(|column| *column == name);
    let (Some(area), Some(centre)) = (column("area_code"), column("centre_111")) else {
        return Vec::new();
    };
    let mut rules: Vec<RegionRule> = lines
        .filter_map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            Some(RegionRule {
                source: RegionSource::Caller,
                begins: format!("+84{}", fields.get(area)?),
                region: (*fields.get(centre)?).to_owned(),
            })
        })
        .collect();
    rules.sort_by_key(|rule| std::cmp::Reverse(rule.begins.len()));
    rules
}
