//! Orders of leads, and where a page begins.
//!
//! An order is a list of columns of which none is NULL, the last one the id. A field that can be missing has a column
//! before it that says whether it is.

use sea_orm::{
    DbBackend, Value,
    sea_query::{Expr, ExprTrait, Order as Direction, SimpleExpr},
};

use super::entity::lead;
use crate::domain::{
    filter::{Field, Kind},
    page::{LeadCursor, Mark, Order},
};

/// A column that leads are ordered by, and its value in the last lead of the page before.
pub(super) struct Column {
    pub value: SimpleExpr,
    pub is_descending: bool,
    last: Option<Value>,
}

impl Column {
    pub fn direction(&self) -> Direction {
        if self.is_descending {
            Direction::Desc
        } else {
            Direction::Asc
        }
    }

    fn is_behind(&self, last: Value) -> SimpleExpr {
        if self.is_descending {
            self.value.clone().lt(last)
        } else {
            self.value.clone().gt(last)
        }
    }
}

/// The columns of an order.
pub(super) fn columns(order: &Order, cursor: Option<&LeadCursor>, backend: DbBackend) -> Vec<Column> {
    let mut columns = Vec::new();
    for (place, key) in order.keys().iter().enumerate() {
        let mark = cursor.and_then(|cursor| cursor.marks.get(place));
        if key.field.is_optional() {
            columns.push(Column {
                value: is_missing(&key.field),
                is_descending: false,
                last: mark.map(|mark| i32::from(*mark == Mark::Missing).into()),
            });
        }
        columns.push(Column {
            value: value(&key.field, backend),
            is_descending: key.descending,
            last: mark.map(|mark| last(&key.field, mark)),
        });
    }
    columns.push(Column {
        value: column(lead::Column::Id),
        is_descending: order.keys().last().is_some_and(|key| key.descending),
        last: cursor.map(|cursor| cursor.id.into()),
    });
    columns
}

/// Rows behind the last lead of the page before; none on the first page.
pub(super) fn behind(columns: &[Column]) -> Option<SimpleExpr> {
    let mut with_last = Vec::with_capacity(columns.len());
    for column in columns {
        with_last.push((column, column.last.clone()?));
    }
    let (first, first_last) = with_last.first().cloned()?;
    if columns
        .iter()
        .all(|column| column.is_descending == first.is_descending)
    {
        // One comparison of rows, which an index answers from where it is true.
        let own = Expr::tuple(columns.iter().map(|column| column.value.clone()));
        let last = Expr::tuple(with_last.into_iter().map(|(_, last)| Expr::value(last)));
        return Some(if first.is_descending {
            own.lt(last)
        } else {
            own.gt(last)
        });
    }
    let mut behind: Option<SimpleExpr> = None;
    for (column, last) in with_last.iter().rev() {
        let is_further = column.is_behind(last.clone());
        behind = Some(match behind {
            None => is_further,
            Some(next) => is_further.or(column.value.clone().eq(last.clone()).and(next)),
        });
    }
    let is_not_before = if first.is_descending {
        first.value.clone().lte(first_last)
    } else {
        first.value.clone().gte(first_last)
    };
    behind.map(|behind| is_not_before.and(behind))
}

fn value(field: &Field, backend: DbBackend) -> SimpleExpr {
    let own = match field {
        Field::Stage => lead::Column::Stage,
        Field::Outcome => lead::Column::Outcome,
        Field::Channel => lead::Column::Channel,
        Field::Owner => lead::Column::Owner,
        Field::IntentSignal => lead::Column::IntentSignal,
        Field::IntentAt => lead::Column::IntentAt,
        Field::LastActivityAt => lead::Column::LastActivityAt,
        Field::StageChangedAt => lead::Column::StageChangedAt,
        Field::Score => lead::Column::Score,
        Field::Revision => lead::Column::Revision,
        _ => lead::Column::CapturedAt,
    };
    match (field.kind(), backend) {
        (Kind::Word(words), _) => {
            let places = words().into_iter().enumerate();
            let whens: String = places
                .map(|(place, word)| format!(" WHEN '{word}' THEN {place}"))
                .collect();
            let column = sea_orm::IdenStatic::as_str(&own);
            Expr::cust(format!("CASE \"leads\".\"{column}\"{whens} ELSE 0 END"))
        }
        (Kind::Text, DbBackend::Postgres) => {
            // By code points, whatever the database's language: as SQLite and a comparison in memory do it.
            Expr::cust_with_exprs("$1 COLLATE \"C\"", [column(own)])
        }
        _ => column(own),
    }
}

fn is_missing(field: &Field) -> SimpleExpr {
    Expr::cust(match field {
        Field::Outcome => "CASE WHEN \"leads\".\"outcome\" IS NULL THEN 1 ELSE 0 END",
        Field::Owner => "CASE WHEN \"leads\".\"owner\" = '' THEN 1 ELSE 0 END",
        _ => "0",
    })
}

fn last(field: &Field, mark: &Mark) -> Value {
    match (field.kind(), mark) {
        (Kind::Time, Mark::Time(at)) => (*at).into(),
        (Kind::Text, Mark::Text(text)) => text.as_str().into(),
        (Kind::Text, _) => "".into(),
        (Kind::Word(_), Mark::Number(place)) => i32::try_from(*place).unwrap_or_default().into(),
        (Kind::Number(_), Mark::Number(number)) if *field == Field::Score => {
            i16::try_from(*number).unwrap_or_default().into()
        }
        (Kind::Number(_), Mark::Number(number)) => (*number).into(),
        _ => 0_i32.into(),
    }
}

fn column(own: lead::Column) -> SimpleExpr {
    Expr::col((lead::Entity, own))
}
