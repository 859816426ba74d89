//! The pages: plain HTML that runs nothing, for people with and without a screen.

use uuid::Uuid;

use crate::{
    domain::ids,
    service::{principal::Principal, sign_in::Settings},
};

const LAYOUT: &str = include_str!("layout.html");
/// The one style of all pages.
pub(super) const STYLE: &str = include_str!("style.css");
/// What browsers may do with a page: show it, take our style, post to us.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; \
                                 base-uri 'none'; require-trusted-types-for 'script'";

/// Somebody who is not signed in; `path` is where they go afterwards, `workspace` where they want to work.
pub(super) fn sign_in(settings: &Settings, path: &str, workspace: &str) -> String {
    let mut body = String::new();
    if settings.provider.is_some() {
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("return_to", path)
            .append_pair("workspace", workspace)
            .finish();
        body += &format!(
            "<p><a class=\"button\" href=\"/sign-in/oidc?{}\">Sign in with your organisation</a></p>\n",
            escaped(&query)
        );
    }
    if settings.keys {
        body += &format!(
            "<form method=\"post\" action=\"/sign-in\">\n\
             <label for=\"key\">API key</label>\n\
             <input id=\"key\" name=\"key\" type=\"password\" autocomplete=\"off\" autocapitalize=\"none\" \
             spellcheck=\"false\" required aria-describedby=\"about-key\">\n\
             <p id=\"about-key\">It begins with ak_. You may do what the key may do, until you sign out.</p>\n\
             <input type=\"hidden\" name=\"return_to\" value=\"{}\">\n\
             <button>Sign in with the key</button>\n\
             </form>\n",
            escaped(path)
        );
    }
    page("Sign in to Leads", &body)
}

/// Somebody who is signed in.
pub(super) fn signed_in(holder: &Principal, workspace: &str) -> String {
    let whose = if holder.member().is_some() {
        ""
    } else {
        ", with a key that belongs to nobody"
    };
    let body = format!(
        "<p>You are signed in to the workspace <strong>{}</strong>{whose}.</p>\n\
         <form method=\"post\" action=\"/sign-out\">\n<button>Sign out</button>\n</form>\n",
        escaped(workspace)
    );
    page("Signed in to Leads", &body)
}

/// Somebody who is a member of several workspaces.
pub(super) fn choose(workspaces: &[(Uuid, String)]) -> String {
    let mut body = "<p>You are a member of several workspaces. Which one do you want to work in?</p>\n\
                    <form class=\"choice\" method=\"post\" action=\"/sign-in/workspace\">\n"
        .to_owned();
    for (id, name) in workspaces {
        body += &format!(
            "<button name=\"workspace\" value=\"{}\">{}</button>\n",
            ids::format::<ids::Workspace>(*id),
            escaped(name)
        );
    }
    body += "</form>\n";
    page("Choose a workspace", &body)
}

/// Somebody who was refused; `trace` finds it in the logs.
pub(super) fn refused(text: &str, trace: Option<&str>) -> String {
    let trace = trace.map_or_else(String::new, |id| {
        format!("<p>Trace id: <code>{}</code></p>\n", escaped(id))
    });
    let body = format!(
        "<p class=\"alert\" role=\"alert\">{}</p>\n{trace}<p><a href=\"/sign-in\">Back to the sign-in page</a></p>\n",
        escaped(text)
    );
    page("Not signed in", &body)
}

fn page(title: &str, body: &str) -> String {
    LAYOUT.replace("{title}", title).replace("{body}", body)
}

/// A text in a page, or in an attribute between double quotes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
