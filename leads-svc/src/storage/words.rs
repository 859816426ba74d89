//! Words in what is encrypted, by their keyed hashes.

use sea_orm::{
    DbBackend,
    sea_query::{Expr, ExprTrait, Query, SimpleExpr},
};

use super::{crypto::WorkspaceKeys, entity::contact};

/// Whether the contact of that id has at least one term of each list.
pub(super) fn has_terms(
    contact_id: Expr,
    terms: &[Vec<String>],
    keys: &WorkspaceKeys,
    backend: DbBackend,
) -> SimpleExpr {
    // Under each key that a row may be stored with. Tokens are letters from `a` to `p` only.
    let tokens = terms
        .iter()
        .map(|any| keys.search_tokens(any).into_iter().flatten());
    if backend == DbBackend::Postgres {
        let all: Vec<String> = tokens
            .map(|any| format!("({})", any.collect::<Vec<_>>().join(" | ")))
            .collect();
        return Expr::cust_with_exprs(
            "$1 IN (SELECT contact_id FROM contact_words WHERE words @@ to_tsquery('simple', $2))",
            [contact_id, Expr::value(all.join(" & "))],
        );
    }
    // By another name: the id may be a column of the same table around it.
    let search = || Expr::col(("found", contact::Column::Search));
    let mut found = Query::select();
    found
        .expr(Expr::value(1))
        .from_as(contact::Entity, "found")
        .and_where(Expr::col(("found", contact::Column::Id)).eq(contact_id));
    for any in tokens {
        let one = any.map(|token| search().like(format!("% {token} %")));
        found.and_where(one.reduce(SimpleExpr::or).unwrap_or_else(|| Expr::value(false)));
    }
    Expr::exists(found)
}
