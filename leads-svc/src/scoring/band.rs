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
