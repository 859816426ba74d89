//! The four bands that sales people sort by.

use serde::{Deserialize, Serialize};

/// A range of scores with its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// 0–39.
    Cold,
    /// 40–59.
    Lukewarm,
    /// 60–79.
    Warm,
    /// 80–100.
    Hot,
}

impl Band {
    /// Every band, lowest first.
    pub const ALL: [Band; 4] = [Band::Cold, Band::Lukewarm, Band::Warm, Band::Hot];

    /// The lowest and the highest score of the band.
    pub const fn range(self) -> (u8, u8) {
        match self {
            Self::Cold => (0, 39),
            Self::Lukewarm => (40, 59),
            Self::Warm => (60, 79),
            Self::Hot => (80, 100),
        }
    }

    /// The band of a score; what lies above 100 is hot.
    pub const fn of(total: u8) -> Self {
        match total {
            0..=39 => Self::Cold,
            40..=59 => Self::Lukewarm,
            60..=79 => Self::Warm,
            80.. => Self::Hot,
        }
    }

    /// The machine word, as stored and sent.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Lukewarm => "lukewarm",
            Self::Warm => "warm",
            Self::Hot => "hot",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_the_scores_of_their_band() {
        for total in 0..=100 {
            let (low, high) = Band::of(total).range();
            assert!((low..=high).contains(&total), "{total}");
        }
    }

    #[test]
    fn the_borders_belong_to_the_higher_band() {
        let bands = [
            (39, Band::Cold),
            (40, Band::Lukewarm),
            (59, Band::Lukewarm),
            (60, Band::Warm),
        ];
        for (total, band) in bands
            .into_iter()
            .chain([(79, Band::Warm), (80, Band::Hot), (100, Band::Hot)])
        {
            assert_eq!(Band::of(total), band, "{total}");
        }
    }
}
