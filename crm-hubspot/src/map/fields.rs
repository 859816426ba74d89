//! The lead fields that can be written, and where they go by default.

use leads_proto::leads::{connector::v1::LeadSnapshot, v1};

use leads_runtime::delivery::names::split_name;
use leads_runtime::delivery::words;

use super::lifecycle;

/// A field of a lead, as mappings name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// `email`
    Email,
    /// `name`, whole
    Name,
    /// `first_name`, split off the name
    FirstName,
    /// `last_name`, split off the name
    LastName,
    /// `phone`
    Phone,
    /// `company`
    Company,
    /// `title`
    Title,
    /// `lifecycle`, from stage and outcome
    Lifecycle,
    /// `stage`; closed ones as `closed_won` or `closed_lost`
    Stage,
    /// `channel` of the first touch
    Channel,
    /// `score`, 0 to 100
    Score,
    /// `band`
    Band,
    /// `hot`
    Hot,
    /// `owner`
    Owner,
    /// `captured_at`
    CapturedAt,
    /// `<dimension>_points`, such as `budget_points`
    Points(String),
}

/// What a field's values look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// Any text.
    Text,
    /// One of a few words.
    Word(&'static [&'static str]),
    /// A whole number.
    Number,
    /// `true` or `false`.
    Bool,
    /// A time, RFC 3339.
    Time,
}

const NAMES: [(&str, Field); 15] = [
    ("email", Field::Email),
    ("name", Field::Name),
    ("first_name", Field::FirstName),
    ("last_name", Field::LastName),
    ("phone", Field::Phone),
    ("company", Field::Company),
    ("title", Field::Title),
    ("lifecycle", Field::Lifecycle),
    ("stage", Field::Stage),
    ("channel", Field::Channel),
    ("score", Field::Score),
    ("band", Field::Band),
    ("hot", Field::Hot),
    ("owner", Field::Owner),
    ("captured_at", Field::CapturedAt),
];
const STAGES: &[&str] = &[
    "new",
    "contacted",
    "qualified",
    "demo_booked",
    "opportunity",
    "closed_won",
    "closed_lost",
    "closed",
];
const CHANNELS: &[&str] = &[
    "widget",
    "whatsapp",
    "hosted_page",
    "email",
    "slack",
    "telegram",
    "discord",
    "api",
    "import",
];
const BANDS: &[&str] = &["cold", "lukewarm", "warm", "hot"];
const LIFECYCLES: &[&str] = &["lead", "salesqualifiedlead", "opportunity", "customer"];

impl Field {
    /// Default targets; fields that are not here are written only if a mapping says where.
    pub fn defaults() -> Vec<(Field, &'static str)> {
        let points = |name: &str| Field::Points(name.to_owned());
        vec![
            (Field::Email, "email"),
            (Field::FirstName, "firstname"),
            (Field::LastName, "lastname"),
            (Field::Phone, "phone"),
            (Field::Company, "company"),
            (Field::Title, "jobtitle"),
            (Field::Lifecycle, "lifecyclestage"),
            (Field::Stage, "leads_stage"),
            (Field::Channel, "leads_channel"),
            (Field::Score, "leads_score"),
            (Field::Band, "leads_score_band"),
            (Field::Hot, "leads_hot"),
            (points("budget"), "leads_budget_points"),
            (points("authority"), "leads_authority_points"),
            (points("need"), "leads_need_points"),
            (points("timing"), "leads_timing_points"),
        ]
    }

    /// The field of that name.
    pub fn parse(name: &str) -> Option<Self> {
        let points = || name.strip_suffix("_points").filter(|key| !key.is_empty());
        match NAMES.iter().find(|(known, _)| *known == name) {
            Some((_, field)) => Some(field.clone()),
            None => points().map(|key| Self::Points(key.to_owned())),
        }
    }

    /// What its values look like.
    pub fn kind(&self) -> ValueKind {
        match self {
            Self::Email
            | Self::Name
            | Self::FirstName
            | Self::LastName
            | Self::Phone
            | Self::Company
            | Self::Title
            | Self::Owner => ValueKind::Text,
            Self::Lifecycle => ValueKind::Word(LIFECYCLES),
            Self::Stage => ValueKind::Word(STAGES),
            Self::Channel => ValueKind::Word(CHANNELS),
            Self::Band => ValueKind::Word(BANDS),
            Self::Score | Self::Points(_) => ValueKind::Number,
            Self::Hot => ValueKind::Bool,
            Self::CapturedAt => ValueKind::Time,
        }
    }

    /// Whether an absent value is written as an empty one: only where nobody else writes the property.
    pub fn clears(&self) -> bool {
        matches!(
            self,
            Self::Stage | Self::Channel | Self::Score | Self::Band | Self::Hot | Self::Points(_)
        )
    }

    /// The lead's value; `None` if the lead has none.
    pub fn value(&self, lead: &LeadSnapshot) -> Option<String> {
        let text = |value: &str| Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        match self {
            Self::Email => text(&lead.email),
            Self::Name => text(&lead.name),
            Self::FirstName => split_name(&lead.name).0,
            Self::LastName => split_name(&lead.name).1,
            Self::Phone => text(&lead.phone),
            Self::Company => text(&lead.company),
            Self::Title => text(&lead.title),
            Self::Owner => text(&lead.owner),
            Self::Lifecycle => lifecycle(lead.stage(), lead.outcome()).map(str::to_owned),
            Self::Stage => words::stage(lead.stage(), lead.outcome()).map(str::to_owned),
            Self::Channel => words::channel(lead.channel()).map(str::to_owned),
            Self::Band => words::band(lead.band()).map(str::to_owned),
            Self::Score => (lead.band() != v1::Band::Unspecified).then(|| lead.score.to_string()),
            Self::Hot => Some(lead.hot.to_string()),
            Self::Points(key) => lead.dimension_points.get(key).map(i32::to_string),
            Self::CapturedAt => {
                let at = lead.captured_at.as_ref()?;
                let at = chrono::DateTime::from_timestamp(at.seconds, u32::try_from(at.nanos).ok()?)?;
                Some(at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
            }
        }
    }
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self, NAMES.iter().find(|(_, field)| field == self)) {
            (Self::Points(key), _) => write!(f, "{key}_points"),
            (_, Some((name, _))) => f.write_str(name),
            (_, None) => std::fmt::Debug::fmt(self, f),
        }
    }
}
