//! Lists through both doors: filters, orders, pages, masks, counts, and what is wrong with them.

use leads_proto::leads::v1;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tonic::Code;
use tonic_types::StatusExt;

use super::service::{Service, reason};
use crate::world::{World, hot, on_both_databases, settings, warm};

on_both_databases!(
    a_filter_finds_the_same_leads_through_both_doors,
    parameters_and_filter_are_joined_with_and,
    a_filter_at_fault_is_refused_with_the_place_and_what_was_expected,
    signs_of_query_languages_are_literal,
    orders_that_are_none_are_refused,
    sizes_of_pages_are_checked_and_clipped,
    a_page_token_of_something_else_is_refused,
    a_page_token_is_refused_after_a_day,
    a_mask_keeps_what_it_names_and_refuses_what_is_no_field,
    leads_are_counted_if_that_is_asked_for,
    there_is_no_parameter_to_skip_leads,
);

const LIST: &str = "/leads.v1.LeadsService/ListLeads";

/// A workspace with three leads, of whom one is hot, and its key.
async fn start(world: World) -> (Service, String) {
    for request in [hot("ana"), warm("bo"), warm("cleo")] {
        world.collect(request).await;
    }
    let service = Service::start(world).await;
    let key = service.key_of(service.world.workspace).await;
    (service, key)
}

/// A list's parameter in gRPC, and its name and text in REST.
struct Asked {
    request: v1::ListLeadsRequest,
    query: String,
}

fn asked(parameters: &[(&str, &str)]) -> Asked {
    let mut request = v1::ListLeadsRequest::default();
    let mut query = Vec::new();
    for (name, text) in parameters {
        let owned = (*text).to_owned();
        match *name {
            "filter" => request.filter = owned,
            "order_by" => request.order_by = owned,
            "page_token" => request.page_token = owned,
            "page_size" => request.page_size = text.parse().unwrap(),
            "score_min" => request.score_min = Some(text.parse().unwrap()),
            "q" => request.q = owned,
            "tag" => request.tag.push(owned),
            "owner" => request.owner = owned,
            "read_mask" => {
                let paths = text.split(',').map(str::to_owned).collect();
                request.read_mask = Some(prost_types::FieldMask { paths });
            }
            "with_total_size" => request.with_total_size = true,
            _ => panic!("{name}"),
        }
        query.push(format!("{name}={}", utf8_percent_encode(text, NON_ALPHANUMERIC)));
    }
    Asked {
        request,
        query: format!("GET /v1/leads?{}", query.join("&")),
    }
}

/// The addresses that both doors answer with.
async fn found(service: &Service, key: &str, parameters: &[(&str, &str)]) -> Vec<String> {
    let Asked { request, query } = asked(parameters);
    let answer: v1::ListLeadsResponse = service.ask(LIST, key, &request).await.unwrap();
    let by_grpc: Vec<String> = answer
        .leads
        .into_iter()
        .map(|lead| lead.contact.unwrap_or_default().email)
        .collect();
    let plain = service.rest(&query, key, "").await;
    assert_eq!(plain.status, 200, "{query}: {:?}", plain.fields());
    let json = plain.json();
    let leads = json["leads"].as_array().unwrap().iter();
    let by_rest: Vec<String> = leads
        .map(|lead| lead["contact"]["email"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(by_grpc, by_rest, "{query}");
    by_grpc
        .into_iter()
        .map(|email| email.split('@').next().unwrap().to_owned())
        .collect()
}

/// The reason of both doors' refusal, and what gRPC says of each field.
async fn refused(
    service: &Service,
    key: &str,
    parameters: &[(&str, &str)],
) -> (String, Vec<(String, String)>) {
    let Asked { request, query } = asked(parameters);
    let status = service
        .ask::<v1::ListLeadsResponse>(LIST, key, &request)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{query}");
    let said = reason(&status);
    let violations = status
        .get_details_bad_request()
        .map(|bad| bad.field_violations)
        .unwrap_or_default();
    let plain = service.rest(&query, key, "").await;
    assert_eq!(plain.problem(), (400, said.clone()), "{query}");
    let fields: Vec<(String, String)> = violations
        .into_iter()
        .map(|violation| (violation.field, violation.description))
        .collect();
    let by_grpc: Vec<String> = fields
        .iter()
        .map(|(field, text)| format!("{field}: {text}"))
        .collect();
    if said == "INVALID_FIELDS" {
        assert_eq!(plain.fields(), by_grpc, "{query}");
    }
    (said, fields)
}

async fn a_filter_finds_the_same_leads_through_both_doors(world: World) {
    let (service, key) = start(world).await;
    for (filter, who) in [
        ("", &["cleo", "bo", "ana"][..]),
        ("score >= 80", &["ana"]),
        ("score.band = hot", &["ana"]),
        ("NOT score >= 80 AND email:\"leads.example\"", &["cleo", "bo"]),
        (
            "(email = ana@leads.example OR bo) AND captured_at > -1h",
            &["bo", "ana"],
        ),
        ("email = ANA@Leads.Example", &["ana"]),
        (
            "crm.hubspot.status = not_connected AND stage = new AND -tags:*",
            &["cleo", "bo", "ana"],
        ),
        ("captured_at > \"2999-01-01T00:00:00Z\"", &[]),
    ] {
        assert_eq!(
            found(&service, &key, &[("filter", filter)]).await,
            who,
            "{filter}"
        );
    }
}

async fn parameters_and_filter_are_joined_with_and(world: World) {
    let (service, key) = start(world).await;
    let everybody = ("filter", "email:ana OR email:bo");
    for (parameters, who) in [
        (&[everybody][..], &["bo", "ana"][..]),
        (&[everybody, ("score_min", "80")], &["ana"]),
        (&[everybody, ("q", "bo")], &["bo"]),
        (&[everybody, ("q", "bo"), ("score_min", "80")], &[]),
        (&[everybody, ("tag", "hot")], &[]),
        (&[everybody, ("owner", "nobody")], &[]),
        (
            &[everybody, ("order_by", "score desc, captured_at")],
            &["ana", "bo"],
        ),
    ] {
        assert_eq!(found(&service, &key, parameters).await, who, "{parameters:?}");
    }
}

async fn a_filter_at_fault_is_refused_with_the_place_and_what_was_expected(world: World) {
    let (service, key) = start(world).await;
    let long = format!("owner = \"{}\"", "x".repeat(5 * 1_024));
    let terms = vec!["score > 5"; 200].join(" OR ");
    let deep = format!("{}score > 5{}", "(".repeat(50), ")".repeat(50));
    for (filter, told) in [
        ("score >=", "at character 9: it ends, expected a value"),
        (
            "(score > 5",
            "at character 11: it ends, expected AND, OR (in capitals) or )",
        ),
        (
            "score = eighty",
            "at character 9: found \"eighty\", expected a whole number from 0 to 100",
        ),
        (
            "stage = 5",
            "at character 9: found \"5\", expected one of new, contacted, ",
        ),
        (
            "captured_at > 5",
            "at character 15: found \"5\", expected a time: ",
        ),
        (
            "surprise = 1",
            "at character 1: found \"surprise\", expected a field: id, contact.id, name, ",
        ),
        (
            "score > 5 stage = new",
            "at character 11: found \"stage\", expected AND, OR (in capitals) or the end",
        ),
        ("owner = \"a\u{0}b\"", "at character 11: found "),
        (&long, "at character 4097: found "),
        (&terms, "at character "),
        (
            &deep,
            "at character 22: found \"(\", expected at most 20 parentheses",
        ),
    ] {
        let (said, fields) = refused(&service, &key, &[("filter", filter)]).await;
        assert_eq!(said, "INVALID_FIELDS", "{filter}");
        let [(field, text)] = fields.as_slice() else {
            panic!("{filter}: {fields:?}")
        };
        assert_eq!(field, "filter");
        assert!(text.starts_with(told), "{filter}: {text}");
    }
}

async fn signs_of_query_languages_are_literal(world: World) {
    let (service, key) = start(world).await;
    for filter in [
        "owner = \"' OR '1'='1\"",
        "owner = \"%\"",
        "tags:\"_\"",
        "attributes.plan = \"; DROP TABLE leads; --\"",
        "intent.signal = \"asked%\"",
        "intent.signal = \"asked*\"",
        "name = \"ana'); --\"",
        "company:\"%acme%zz\"",
    ] {
        assert_eq!(
            found(&service, &key, &[("filter", filter)]).await.len(),
            0,
            "{filter}"
        );
        let negated = format!("NOT {filter}");
        assert_eq!(
            found(&service, &key, &[("filter", &negated)]).await.len(),
            3,
            "{negated}"
        );
    }
}

async fn orders_that_are_none_are_refused(world: World) {
    let (service, key) = start(world).await;
    for order in [
        "mood",
        "score,score",
        "name",
        "score; DROP TABLE leads",
        "score desc asc",
        "score DESC",
        "a'b",
    ] {
        let (said, fields) = refused(&service, &key, &[("order_by", order)]).await;
        assert_eq!(
            (said.as_str(), fields[0].0.as_str()),
            ("INVALID_FIELDS", "order_by"),
            "{order}"
        );
    }
}

async fn sizes_of_pages_are_checked_and_clipped(world: World) {
    let (service, key) = start(world).await;
    let (said, fields) = refused(&service, &key, &[("page_size", "-1")]).await;
    assert_eq!(
        (said.as_str(), fields[0].0.as_str()),
        ("INVALID_FIELDS", "page_size")
    );
    for size in ["0", "100000"] {
        assert_eq!(
            found(&service, &key, &[("page_size", size)]).await.len(),
            3,
            "{size}"
        );
    }
    assert_eq!(found(&service, &key, &[("page_size", "2")]).await.len(), 2);
}

/// Token of the second page of a list.
async fn token(service: &Service, key: &str, parameters: &[(&str, &str)]) -> String {
    let Asked { request, .. } = asked(parameters);
    let answer: v1::ListLeadsResponse = service.ask(LIST, key, &request).await.unwrap();
    assert!(!answer.next_page_token.is_empty());
    answer.next_page_token
}

async fn a_page_token_of_something_else_is_refused(world: World) {
    let (service, key) = start(world).await;
    let (other, _) = service.world.tenant(settings()).await;
    let stranger = service.key_of(other).await;
    let list = [
        ("page_size", "1"),
        ("filter", "score >= 10"),
        ("order_by", "score"),
    ];
    let token = token(&service, &key, &list).await;
    let continued = [&list[..], &[("page_token", token.as_str())]].concat();
    assert_eq!(found(&service, &key, &continued).await.len(), 1);

    let size = ("page_size", "1");
    let order = ("order_by", "score");
    let flipped = {
        let mut letters = token.clone().into_bytes();
        let middle = letters.len() / 2;
        letters[middle] = if letters[middle] == b'A' { b'B' } else { b'A' };
        String::from_utf8(letters).unwrap()
    };
    let cut = token[..token.len() - 5].to_owned();
    for (who, filter, order, token) in [
        (&key, "score >= 10", order, "random"),
        (&key, "score >= 10", order, cut.as_str()),
        (&key, "score >= 10", order, flipped.as_str()),
        (&key, "score >= 11", order, token.as_str()),
        (&key, "", order, token.as_str()),
        (&key, "score >= 10", ("order_by", "score desc"), token.as_str()),
        (&stranger, "score >= 10", order, token.as_str()),
    ] {
        let list = [size, ("filter", filter), order, ("page_token", token)];
        assert_eq!(
            refused(&service, who, &list).await.0,
            "PAGE_TOKEN_INVALID",
            "{list:?}"
        );
    }
    let of_contacts = service
        .rest(
            &format!("GET /v1/contacts?page_size=1&page_token={token}"),
            &key,
            "",
        )
        .await;
    assert_eq!(of_contacts.problem(), (400, "PAGE_TOKEN_INVALID".into()));
    // Spelled otherwise it is the same filter, and the token goes on.
    let list = [
        size,
        ("filter", " score>=10 "),
        order,
        ("page_token", token.as_str()),
    ];
    assert_eq!(found(&service, &key, &list).await.len(), 1);
}

async fn a_page_token_is_refused_after_a_day(world: World) {
    let (service, key) = start(world).await;
    let list = [("page_size", "1"), ("filter", "stage = new")];
    let token = token(&service, &key, &list).await;
    service.world.pass(std::time::Duration::from_secs(24 * 3_600 + 1));
    let continued = [&list[..], &[("page_token", token.as_str())]].concat();
    assert_eq!(refused(&service, &key, &continued).await.0, "PAGE_TOKEN_EXPIRED");
}

async fn a_mask_keeps_what_it_names_and_refuses_what_is_no_field(world: World) {
    let (service, key) = start(world).await;
    let Asked { request, query } = asked(&[
        ("read_mask", "id,contact.email,score.total"),
        ("filter", "email:ana"),
    ]);
    let answer: v1::ListLeadsResponse = service.ask(LIST, &key, &request).await.unwrap();
    let lead = &answer.leads[0];
    let (contact, score) = (lead.contact.as_ref().unwrap(), lead.score.as_ref().unwrap());
    assert!(lead.id.starts_with("lead_") && contact.email.starts_with("ana@") && score.total >= 80);
    assert_eq!(
        (lead.stage, contact.id.as_str(), score.dimensions.len()),
        (0, "", 0)
    );
    assert_eq!((lead.captured_at, lead.crm_links.len()), (None, 0));
    let json = service.rest(&query, &key, "").await.json();
    assert_eq!(json["leads"][0]["id"], lead.id.as_str());
    assert_eq!(json["leads"][0]["score"]["total"], score.total);
    assert_eq!(json["leads"][0].get("captured_at"), None);
    for mask in ["surprise", "id,contact.surprise", "*", "id.", "crm_links.status"] {
        let (said, fields) = refused(&service, &key, &[("read_mask", mask)]).await;
        assert_eq!(
            (said.as_str(), fields[0].0.as_str()),
            ("INVALID_FIELDS", "read_mask"),
            "{mask}"
        );
    }
}

async fn leads_are_counted_if_that_is_asked_for(world: World) {
    let (service, key) = start(world).await;
    let counted = asked(&[
        ("with_total_size", "true"),
        ("page_size", "1"),
        ("filter", "bo OR cleo"),
    ]);
    let answer: v1::ListLeadsResponse = service.ask(LIST, &key, &counted.request).await.unwrap();
    assert_eq!(
        (answer.leads.len(), answer.total_size, answer.total_size_is_capped),
        (1, Some(2), false)
    );
    let json = service.rest(&counted.query, &key, "").await.json();
    assert_eq!(json["total_size"], 2);
    let plain: v1::ListLeadsResponse = service.ask(LIST, &key, &asked(&[]).request).await.unwrap();
    assert_eq!(plain.total_size, None);
}

async fn there_is_no_parameter_to_skip_leads(world: World) {
    let (service, key) = start(world).await;
    for skip in ["skip=-1", "skip=10", "offset=1", "page=2"] {
        let answer = service.rest(&format!("GET /v1/leads?{skip}"), &key, "").await;
        assert_eq!(answer.problem(), (400, "INVALID_FIELDS".into()), "{skip}");
    }
}
