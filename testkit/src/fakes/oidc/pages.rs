//! The page on which a person says who they are; there are no passwords here.

use url::form_urlencoded;

use super::state::State;

/// A link per account, each of which goes on with the same request.
pub(super) fn who(state: &State, query: &str) -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Who are you?</title></head><body>\n\
         <h1>Who are you?</h1>\n<p>A simulated identity provider: whoever you choose, you are.</p>\n<ul>\n",
    );
    for user in &state.options.users {
        let chosen: String = form_urlencoded::Serializer::new(query.to_owned())
            .append_pair("user", &user.email)
            .finish();
        let (chosen, email) = (escaped(&chosen), escaped(&user.email));
        page += &format!("<li><a href=\"/authorize?{chosen}\">{email}</a></li>\n");
    }
    page + "</ul>\n</body></html>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
