//! A page for people that lists paths and reasons, written from the same tables as everything else.

use std::fmt::Write;

use leads_proto::reason::Reason;

use super::{openapi::comment, transcode::route::Route};

/// What browsers may do with the page: show it.
pub const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page.
pub fn page<'a>(routes: impl Iterator<Item = &'a Route>) -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Leads API</title></head><body>\n\
         <h1>Leads API</h1>\n\
         <p>JSON over HTTP, and the same calls over gRPC. Send a key as <code>authorization: Bearer ak_…</code>. \
         A machine reads <a href=\"/openapi.json\">the OpenAPI document</a>.</p>\n\
         <h2>Paths</h2>\n<table>\n<tr><th>Verb</th><th>Path</th><th>gRPC method</th><th>What it does</th></tr>\n",
    );
    let mut routes: Vec<&Route> = routes.collect();
    routes.sort_by_key(|route| (route.template.openapi(), route.verb.as_str().to_owned()));
    for route in routes {
        row(
            &mut page,
            &[
                route.verb.as_str(),
                &route.template.openapi(),
                route.path.trim_start_matches('/'),
                &comment(&route.method.parent_file(), route.method.path()),
            ],
        );
    }
    page.push_str("</table>\n<h2>Reasons of refusals</h2>\n<table>\n");
    page.push_str("<tr><th>Reason</th><th>HTTP</th><th>gRPC</th><th>What it means</th></tr>\n");
    for reason in Reason::ALL {
        let (status, code) = (
            reason.http_status().as_u16().to_string(),
            format!("{:?}", reason.grpc_code()),
        );
        row(&mut page, &[reason.name(), &status, &code, reason.description()]);
    }
    page.push_str("</table>\n</body></html>\n");
    page
}

fn row(page: &mut String, cells: &[&str]) {
    page.push_str("<tr>");
    for cell in cells {
        let text = cell
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        // Writing to a text cannot fail.
        let _ = write!(page, "<td>{text}</td>");
    }
    page.push_str("</tr>\n");
}
