//! The table of fields: what each is called, of which kind it is, whether it can be missing, and whether lists sort by it.

use crate::domain::{
    band::Band,
    contact::is_attribute_key,
    lead::{Channel, Outcome, Stage},
    search::Part,
    sync::{Provider, Status},
};

use super::ast::Comparator;

/// A field of a lead as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// The lead's id.
    Id,
    /// The contact's id.
    ContactId,
    /// Name, company and email together: where bare words are looked for.
    Anywhere,
    /// A part of the person's profile.
    Person(Part),
    /// One attribute of the contact.
    Attribute(String),
    /// Stage.
    Stage,
    /// Outcome; missing unless closed.
    Outcome,
    /// Channel of the first touch.
    Channel,
    /// Channels of all touches.
    Channels,
    /// Tags.
    Tags,
    /// Owner; missing if nobody.
    Owner,
    /// Name of the intent signal.
    IntentSignal,
    /// Time of the intent signal.
    IntentAt,
    /// First capture.
    CapturedAt,
    /// Last event.
    LastActivityAt,
    /// Last change of the stage.
    StageChangedAt,
    /// The score's total.
    Score,
    /// The score's band: the parser makes it a range of the total.
    Band,
    /// Points of one part of the score.
    Points(Points),
    /// Framework of the score.
    Framework,
    /// Time of the score.
    ScoredAt,
    /// Changes so far.
    Revision,
    /// How it stands with a CRM.
    Crm(Provider, CrmField),
}

/// A part of the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Points {
    /// Budget.
    Budget,
    /// Authority.
    Authority,
    /// Need.
    Need,
    /// Timing.
    Timing,
}

/// What is known of a lead in a CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrmField {
    /// Where the sync stands.
    Status,
    /// The CRM's record.
    ExternalId,
    /// Last acceptance.
    SyncedAt,
}

/// What values a field has, and with it what can be asked of it.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A whole number from 0 to this.
    Number(i64),
    /// A time.
    Time,
    /// A word of a closed list, which is in the order in which lists sort it.
    Word(fn() -> Vec<&'static str>),
    /// Any text, compared by code points.
    Text,
    /// A set of any texts.
    Texts,
    /// A set of words of a closed list.
    Words(fn() -> Vec<&'static str>),
    /// An encrypted text: found by its whole, or by words.
    Sealed,
    /// An id of that prefix.
    Id(&'static str),
}

/// A row of the table.
#[derive(Debug)]
struct Entry {
    name: &'static str,
    field: Field,
    kind: Kind,
    /// Whether a lead can lack it.
    is_optional: bool,
    is_sortable: bool,
}

impl Entry {
    const fn new(name: &'static str, field: Field, kind: Kind) -> Self {
        Self {
            name,
            field,
            kind,
            is_optional: false,
            is_sortable: false,
        }
    }

    const fn optional(mut self) -> Self {
        self.is_optional = true;
        self
    }

    const fn sortable(mut self) -> Self {
        self.is_sortable = true;
        self
    }
}

/// Everything but attributes and CRMs, which have names of their own.
static ENTRIES: [Entry; 27] = [
    Entry::new("id", Field::Id, Kind::Id("lead")),
    Entry::new("contact.id", Field::ContactId, Kind::Id("contact")),
    Entry::new("name", Field::Person(Part::Name), Kind::Sealed).optional(),
    Entry::new("company", Field::Person(Part::Company), Kind::Sealed).optional(),
    Entry::new("email", Field::Person(Part::Email), Kind::Sealed).optional(),
    Entry::new("title", Field::Person(Part::Title), Kind::Sealed).optional(),
    Entry::new("phone", Field::Person(Part::Phone), Kind::Sealed).optional(),
    Entry::new("stage", Field::Stage, Kind::Word(stages)).sortable(),
    Entry::new("outcome", Field::Outcome, Kind::Word(outcomes))
        .optional()
        .sortable(),
    Entry::new("channel", Field::Channel, Kind::Word(channels)).sortable(),
    Entry::new("channels", Field::Channels, Kind::Words(channels)),
    Entry::new("tags", Field::Tags, Kind::Texts).optional(),
    Entry::new("owner", Field::Owner, Kind::Text)
        .optional()
        .sortable(),
    Entry::new("intent.signal", Field::IntentSignal, Kind::Text).sortable(),
    Entry::new("intent.at", Field::IntentAt, Kind::Time).sortable(),
    Entry::new("captured_at", Field::CapturedAt, Kind::Time).sortable(),
    Entry::new("last_activity_at", Field::LastActivityAt, Kind::Time).sortable(),
    Entry::new("stage_changed_at", Field::StageChangedAt, Kind::Time).sortable(),
    Entry::new("score", Field::Score, Kind::Number(100)).sortable(),
    Entry::new("score.band", Field::Band, Kind::Word(bands)),
    Entry::new("score.budget", Field::Points(Points::Budget), Kind::Number(100)).optional(),
    Entry::new(
        "score.authority",
        Field::Points(Points::Authority),
        Kind::Number(100),
    )
    .optional(),
    Entry::new("score.need", Field::Points(Points::Need), Kind::Number(100)).optional(),
    Entry::new("score.timing", Field::Points(Points::Timing), Kind::Number(100)).optional(),
    Entry::new("score.framework", Field::Framework, Kind::Text).optional(),
    Entry::new("score.scored_at", Field::ScoredAt, Kind::Time).optional(),
    Entry::new("revision", Field::Revision, Kind::Number(i64::MAX)).sortable(),
];

/// The same for what follows `crm.<provider>.`.
static OF_CRM: [(&str, CrmField, Kind, bool); 3] = [
    ("status", CrmField::Status, Kind::Word(statuses), false),
    ("external_id", CrmField::ExternalId, Kind::Text, true),
    ("synced_at", CrmField::SyncedAt, Kind::Time, true),
];

fn stages() -> Vec<&'static str> {
    Stage::ALL.iter().map(|stage| stage.word()).collect()
}

fn outcomes() -> Vec<&'static str> {
    Outcome::ALL.iter().map(|outcome| outcome.word()).collect()
}

fn channels() -> Vec<&'static str> {
    Channel::ALL.iter().map(|channel| channel.word()).collect()
}

fn bands() -> Vec<&'static str> {
    Band::ALL.iter().map(|band| band.key()).collect()
}

fn statuses() -> Vec<&'static str> {
    Status::ALL.iter().map(|status| status.word()).collect()
}

impl Field {
    /// The field of that name. Names are the paths of a lead's JSON; `contact.` can be left out.
    pub fn parse(path: &str) -> Option<Self> {
        let is_of_contact = |name: &&str| {
            name.starts_with("attributes.") || Part::ALL.iter().any(|part| part.name() == *name)
        };
        let path = path
            .strip_prefix("contact.")
            .filter(is_of_contact)
            .unwrap_or(path);
        if let Some(key) = path.strip_prefix("attributes.") {
            return is_attribute_key(key).then(|| Field::Attribute(key.to_owned()));
        }
        if let Some(rest) = path.strip_prefix("crm.") {
            let (provider, name) = rest.split_once('.')?;
            let (_, field, ..) = OF_CRM.iter().find(|(listed, ..)| *listed == name)?;
            return Some(Field::Crm(Provider::parse(provider)?, *field));
        }
        let path = if path == "score.total" { "score" } else { path };
        let entry = ENTRIES.iter().find(|entry| entry.name == path)?;
        Some(entry.field.clone())
    }

    /// Names of all fields, for people.
    pub fn names() -> String {
        let listed = ENTRIES.iter().map(|entry| entry.name.to_owned());
        let of_crm = Provider::ALL.iter().flat_map(|provider| {
            let name = provider.name();
            OF_CRM
                .iter()
                .map(move |(field, ..)| format!("crm.{name}.{field}"))
        });
        let all: Vec<String> = listed
            .chain(of_crm)
            .chain(["attributes.<key>".to_owned()])
            .collect();
        all.join(", ")
    }

    /// Names of the fields that lists sort by.
    pub fn sortable_names() -> String {
        let names: Vec<&str> = ENTRIES
            .iter()
            .filter(|entry| entry.is_sortable)
            .map(|entry| entry.name)
            .collect();
        names.join(", ")
    }

    /// Its name.
    pub fn name(&self) -> String {
        match self {
            Field::Attribute(key) => format!("attributes.{key}"),
            Field::Crm(provider, field) => {
                let name = OF_CRM.iter().find(|(_, listed, ..)| listed == field);
                format!("crm.{}.{}", provider.name(), name.map_or("", |(name, ..)| name))
            }
            _ => self.entry().map_or("words", |entry| entry.name).to_owned(),
        }
    }

    /// What values it has.
    pub fn kind(&self) -> Kind {
        match self {
            Field::Attribute(_) => Kind::Text,
            Field::Crm(_, field) => {
                let entry = OF_CRM.iter().find(|(_, listed, ..)| listed == field);
                entry.map_or(Kind::Text, |(_, _, kind, _)| *kind)
            }
            _ => self.entry().map_or(Kind::Sealed, |entry| entry.kind),
        }
    }

    /// Whether a lead can lack it, so that it makes sense to ask whether it is there.
    pub fn is_optional(&self) -> bool {
        match self {
            Field::Attribute(_) => true,
            Field::Crm(_, field) => OF_CRM
                .iter()
                .any(|(_, listed, _, is_optional)| listed == field && *is_optional),
            _ => self.entry().is_some_and(|entry| entry.is_optional),
        }
    }

    /// Whether lists sort by it.
    pub fn is_sortable(&self) -> bool {
        self.entry().is_some_and(|entry| entry.is_sortable)
    }

    /// Whether it says something of the score, which not every plan shows.
    pub fn is_of_score(&self) -> bool {
        matches!(
            self,
            Field::Score | Field::Band | Field::Points(_) | Field::Framework | Field::ScoredAt
        )
    }

    /// Whether a test of it looks into other rows than the lead's.
    pub fn is_elsewhere(&self) -> bool {
        matches!(
            self,
            Field::Anywhere
                | Field::Person(_)
                | Field::Attribute(_)
                | Field::Tags
                | Field::Points(_)
                | Field::Framework
                | Field::ScoredAt
                | Field::Crm(..)
        )
    }

    fn entry(&self) -> Option<&'static Entry> {
        ENTRIES.iter().find(|entry| entry.field == *self)
    }
}

impl Points {
    /// Key of the dimension.
    pub const fn key(self) -> &'static str {
        match self {
            Points::Budget => "budget",
            Points::Authority => "authority",
            Points::Need => "need",
            Points::Timing => "timing",
        }
    }
}

impl Kind {
    /// Signs of comparisons that make sense.
    pub const fn comparators(self) -> &'static [Comparator] {
        use Comparator::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        match self {
            Kind::Number(_) | Kind::Time => &[Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual],
            Kind::Word(_) | Kind::Text | Kind::Sealed | Kind::Id(_) => &[Equal, NotEqual],
            Kind::Texts | Kind::Words(_) => &[],
        }
    }

    /// Whether `:` asks it for a member or a word.
    pub const fn is_searched(self, part: Option<Part>) -> bool {
        match self {
            Kind::Texts | Kind::Words(_) => true,
            Kind::Sealed => !matches!(part, Some(Part::Phone)),
            Kind::Number(_) | Kind::Time | Kind::Word(_) | Kind::Text | Kind::Id(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_its_name_and_by_its_path_in_the_contact() {
        for entry in &ENTRIES {
            assert_eq!(Field::parse(entry.name).as_ref(), Some(&entry.field));
            assert_eq!(entry.field.name(), entry.name);
        }
        assert_eq!(Field::parse("contact.company"), Field::parse("company"));
        assert_eq!(
            Field::parse("attributes.a.b-c"),
            Some(Field::Attribute("a.b-c".to_owned()))
        );
        let status = Field::Crm(Provider::Hubspot, CrmField::Status);
        assert_eq!(Field::parse("crm.hubspot.status"), Some(status.clone()));
        assert_eq!(status.name(), "crm.hubspot.status");
        for name in [
            "",
            "Stage",
            "crm.status",
            "crm.fax.status",
            "attributes.",
            "attributes.a$b",
            "contact.contact.id",
            "contact.stage",
            "words",
        ] {
            assert_eq!(Field::parse(name), None, "{name}");
        }
    }
}
