//! What a network does to datagrams: loss, duplicates, delays, and thereby another order.

use crate::dice::Dice;

/// How bad it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    pub loss_percent: u64,
    pub duplicate_percent: u64,
    pub delay_us_min: u64,
    pub delay_us_max: u64,
}

impl Weather {
    /// Arrival times of one datagram sent now: none when it is lost, two when it is doubled.
    pub fn fall(self, now_us: u64, dice: &mut Dice) -> [Option<u64>; 2] {
        if self.loss_percent == 0 && self.duplicate_percent == 0 && self.delay_us_max == 0 {
            return [Some(now_us), None];
        }
        let mut arrival = || now_us + dice.between(self.delay_us_min, self.delay_us_max);
        let (first, second) = (arrival(), arrival());
        if dice.percent(self.loss_percent) {
            return [None, None];
        }
        [
            Some(first),
            dice.percent(self.duplicate_percent).then_some(second),
        ]
    }
}
