//! Filters as conditions on rows of leads.
//!
//! A condition is true or false and never NULL, so that NOT means here what it means in memory: each test of a value that
//! can be missing says itself that it is there, by a comparison with NULL or by looking for a row.

use chrono::{DateTime, Utc};
use sea_orm::{
    DbBackend, Value as SqlValue,
    sea_query::{Expr, ExprTrait, IntoColumnRef, Query, SelectStatement, SimpleExpr},
};
use uuid::Uuid;

use super::{
    crypto::WorkspaceKeys,
    entity::{contact, lead, score, sync_job},
    status_sql,
    words::has_terms,
};
use crate::domain::{
    contact::Field as Fact,
    filter::{Comparator, CrmField, Field, Filter, Points, Term, Test, Value},
    search::{Part, terms_of_word},
    sync::{Provider, Status},
    workspace::Settings,
};

/// What a filter's meaning depends on besides the rows.
pub(super) struct Around<'a> {
    pub workspace: Uuid,
    pub keys: &'a WorkspaceKeys,
    pub settings: &'a Settings,
    /// CRMs that the workspace has.
    pub connected: &'a [Provider],
    /// Leads that consent keeps from being synced.
    pub withheld: SimpleExpr,
    pub now: DateTime<Utc>,
    pub backend: DbBackend,
}

impl Around<'_> {
    /// The filter as a condition.
    pub fn condition(&self, filter: &Filter) -> SimpleExpr {
        match filter {
            Filter::All(parts) => parts
                .iter()
                .map(|part| self.condition(part))
                .reduce(SimpleExpr::and)
                .unwrap_or_else(|| Expr::value(true)),
            Filter::Any(parts) => parts
                .iter()
                .map(|part| self.condition(part))
                .reduce(SimpleExpr::or)
                .unwrap_or_else(|| Expr::value(false)),
            Filter::Not(part) => self.condition(part).not(),
            Filter::Is(term) => self.term(term),
        }
    }

    fn term(&self, Term { field, test }: &Term) -> SimpleExpr {
        match field {
            Field::Anywhere => self.words(None, test),
            Field::Person(part) => self.person(*part, test),
            Field::Tags => self.tags(test),
            Field::Channels => self.channels(test),
            Field::Attribute(key) => {
                let value = self.attribute(key);
                Expr::exists(of_contact().and_where(self.optional(value, field, test)).take())
            }
            Field::Points(points) => {
                let value = self.points(*points);
                Expr::exists(of_score().and_where(self.optional(value, field, test)).take())
            }
            Field::Framework => self.of_score(score::Column::Framework, field, test),
            Field::ScoredAt => self.of_score(score::Column::ScoredAt, field, test),
            Field::Crm(provider, crm) => self.crm(*provider, *crm, field, test),
            Field::Owner => {
                let owner = || column(lead::Column::Owner);
                owner().ne("").and(self.optional(owner(), field, test))
            }
            Field::Outcome => self.optional(column(lead::Column::Outcome), field, test),
            Field::Id => self.plain(lead::Column::Id, field, test),
            Field::ContactId => self.plain(lead::Column::ContactId, field, test),
            Field::Stage => self.plain(lead::Column::Stage, field, test),
            Field::Channel => self.plain(lead::Column::Channel, field, test),
            Field::IntentSignal => self.plain(lead::Column::IntentSignal, field, test),
            Field::IntentAt => self.plain(lead::Column::IntentAt, field, test),
            Field::CapturedAt => self.plain(lead::Column::CapturedAt, field, test),
            Field::LastActivityAt => self.plain(lead::Column::LastActivityAt, field, test),
            Field::StageChangedAt => self.plain(lead::Column::StageChangedAt, field, test),
            Field::Score => self.plain(lead::Column::Score, field, test),
            Field::Revision => self.plain(lead::Column::Revision, field, test),
            // The parser leaves none: a band is a range of the score.
            Field::Band => Expr::value(false),
        }
    }

    /// A column that is never NULL.
    fn plain(&self, own: lead::Column, field: &Field, test: &Test) -> SimpleExpr {
        match test {
            Test::Compare(comparator, value) => compare(column(own), *comparator, self.value(field, value)),
            Test::IsPresent => Expr::value(true),
            Test::Holds(_) | Test::Words(_) => Expr::value(false),
        }
    }

    /// A value that can be NULL.
    fn optional(&self, own: SimpleExpr, field: &Field, test: &Test) -> SimpleExpr {
        let is_there = own.clone().is_not_null();
        match test {
            Test::Compare(comparator, value) => {
                is_there.and(compare(own, *comparator, self.value(field, value)))
            }
            Test::IsPresent => is_there,
            Test::Holds(_) | Test::Words(_) => Expr::value(false),
        }
    }

    fn of_score(&self, own: score::Column, field: &Field, test: &Test) -> SimpleExpr {
        Expr::exists(
            of_score()
                .and_where(self.plain_of((score::Entity, own), field, test))
                .take(),
        )
    }

    fn plain_of(&self, own: impl IntoColumnRef, field: &Field, test: &Test) -> SimpleExpr {
        self.optional(Expr::col(own), field, test)
    }

    fn words(&self, within: Option<Part>, test: &Test) -> SimpleExpr {
        let Test::Words(words) = test else {
            return Expr::value(false);
        };
        let terms: Vec<Vec<String>> = words.iter().map(|word| terms_of_word(within, word)).collect();
        self.has(&terms)
    }

    fn has(&self, terms: &[Vec<String>]) -> SimpleExpr {
        has_terms(column(lead::Column::ContactId), terms, self.keys, self.backend)
    }

    fn person(&self, part: Part, test: &Test) -> SimpleExpr {
        match test {
            Test::Compare(comparator, Value::Text(whole)) => {
                let is_it = self.has(&[vec![part.whole_term(whole)]]);
                match comparator {
                    Comparator::NotEqual => is_it.not().and(self.person(part, &Test::IsPresent)),
                    _ => is_it,
                }
            }
            Test::Compare(..) | Test::Holds(_) => Expr::value(false),
            Test::Words(_) => self.words(Some(part), test),
            Test::IsPresent => {
                let field = match part {
                    // Nobody is a lead without an address.
                    Part::Email => return Expr::value(true),
                    Part::Name => Fact::Name,
                    Part::Company => Fact::Company,
                    Part::Title => Fact::Title,
                    Part::Phone => Fact::Phone,
                };
                let filled = Expr::col((contact::Entity, contact::Column::Filled));
                let is_filled = filled.bit_and(field.bit()).eq(field.bit());
                Expr::exists(of_contact().and_where(is_filled).take())
            }
        }
    }

    fn tags(&self, test: &Test) -> SimpleExpr {
        let tags = || column(lead::Column::Tags);
        match (test, self.backend) {
            (Test::IsPresent, DbBackend::Postgres) => Expr::cust_with_exprs("$1 <> '[]'::jsonb", [tags()]),
            (Test::IsPresent, _) => Expr::cust_with_exprs("? <> '[]'", [tags()]),
            (Test::Holds(tag), DbBackend::Postgres) => {
                let tagged = Query::select()
                    .column(("lead_tags", "lead_id"))
                    .from("lead_tags")
                    .and_where(Expr::col(("lead_tags", "workspace_id")).eq(self.workspace))
                    .and_where(Expr::col(("lead_tags", "tag")).eq(tag.as_str()))
                    .take();
                column(lead::Column::Id).in_subquery(tagged)
            }
            (Test::Holds(tag), _) => is_in_list(tags(), tag),
            (Test::Compare(..) | Test::Words(_), _) => Expr::value(false),
        }
    }

    fn channels(&self, test: &Test) -> SimpleExpr {
        let channels = column(lead::Column::Channels);
        match (test, self.backend) {
            (Test::Holds(word), DbBackend::Postgres) => {
                Expr::cust_with_exprs("jsonb_exists($1, $2)", [channels, Expr::value(word.as_str())])
            }
            (Test::Holds(word), _) => is_in_list(channels, word),
            (Test::Compare(..) | Test::Words(_) | Test::IsPresent, _) => Expr::value(false),
        }
    }

    fn crm(&self, provider: Provider, crm: CrmField, field: &Field, test: &Test) -> SimpleExpr {
        let is_connected = self.connected.contains(&provider);
        let job = |condition: SimpleExpr| Expr::exists(status_sql::job(provider).and_where(condition).take());
        let own = match crm {
            CrmField::Status => return self.status(provider, is_connected, test),
            // What a CRM held before it was disconnected is not shown.
            _ if !is_connected => return Expr::value(false),
            CrmField::ExternalId => {
                let id = || Expr::col((sync_job::Entity, sync_job::Column::ExternalId));
                return job(id().ne("").and(self.optional(id(), field, test)));
            }
            CrmField::SyncedAt => Expr::col((sync_job::Entity, sync_job::Column::SyncedAt)),
        };
        job(self.optional(own, field, test))
    }

    fn status(&self, provider: Provider, is_connected: bool, test: &Test) -> SimpleExpr {
        let Test::Compare(comparator, Value::Text(word)) = test else {
            return Expr::value(false);
        };
        let stands = Status::parse(word).map_or_else(
            || Expr::value(false),
            |status| {
                let standing = status_sql::Standing {
                    provider,
                    is_connected,
                    settings: self.settings,
                    withheld: &self.withheld,
                };
                standing.is(status)
            },
        );
        match comparator {
            Comparator::NotEqual => stands.not(),
            _ => stands,
        }
    }

    fn attribute(&self, key: &str) -> SimpleExpr {
        let attributes = Expr::col((contact::Entity, contact::Column::Attributes));
        match self.backend {
            DbBackend::Postgres => Expr::cust_with_exprs("($1 ->> $2)", [attributes, Expr::value(key)]),
            // Keys hold no quotes: `is_attribute_key`.
            _ => {
                let path = Expr::value(format!("$.\"{key}\""));
                Expr::cust_with_exprs("json_extract(?, ?)", [attributes, path])
            }
        }
    }

    fn points(&self, points: Points) -> SimpleExpr {
        let key = points.key();
        Expr::cust(match self.backend {
            DbBackend::Postgres => format!("CAST(\"scores\".\"points\" ->> '{key}' AS bigint)"),
            _ => format!("json_extract(\"scores\".\"points\", '$.{key}')"),
        })
    }

    fn value(&self, field: &Field, value: &Value) -> SqlValue {
        match value {
            // A constant of the column's own type, so that its index is used.
            Value::Number(number) if *field == Field::Score => {
                i16::try_from(*number).unwrap_or(i16::MAX).into()
            }
            Value::Number(number) => (*number).into(),
            Value::Text(text) => text.as_str().into(),
            Value::Time(when) => when.resolve(self.now).into(),
            Value::Id(id) => (*id).into(),
        }
    }
}

/// The lead's contact, if more holds of it.
fn of_contact() -> SelectStatement {
    Query::select()
        .expr(Expr::value(1))
        .from(contact::Entity)
        .and_where(
            Expr::col((contact::Entity, contact::Column::Id)).equals((lead::Entity, lead::Column::ContactId)),
        )
        .take()
}

/// The lead's current score, if more holds of it.
fn of_score() -> SelectStatement {
    Query::select()
        .expr(Expr::value(1))
        .from(score::Entity)
        .and_where(
            Expr::col((score::Entity, score::Column::Id)).equals((lead::Entity, lead::Column::ScoreId)),
        )
        .take()
}

fn column(own: lead::Column) -> SimpleExpr {
    Expr::col((lead::Entity, own))
}

/// On SQLite.
fn is_in_list(list: SimpleExpr, member: &str) -> SimpleExpr {
    Expr::cust_with_exprs(
        "EXISTS (SELECT 1 FROM json_each(?) WHERE value = ?)",
        [list, Expr::value(member)],
    )
}

fn compare(own: SimpleExpr, comparator: Comparator, value: SqlValue) -> SimpleExpr {
    match comparator {
        Comparator::Equal => own.eq(value),
        Comparator::NotEqual => own.ne(value),
        Comparator::Less => own.lt(value),
        Comparator::LessOrEqual => own.lte(value),
        Comparator::Greater => own.gt(value),
        Comparator::GreaterOrEqual => own.gte(value),
    }
}
