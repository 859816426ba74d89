//! `GET /account-info/v3/details`: the account's number and the host of its record links.

use serde_json::json;

use super::portal::State;
use super::reply::Reply;

impl State {
    pub fn account_details(&self) -> Reply {
        let eu = self.options.ui_domain.contains("-eu1");
        let body = json!({
            "portalId": self.id,
            "accountType": "STANDARD",
            "timeZone": "UTC",
            "companyCurrency": "EUR",
            "additionalCurrencies": [],
            "utcOffset": "+00:00",
            "utcOffsetMilliseconds": 0,
            "uiDomain": self.options.ui_domain,
            "dataHostingLocation": if eu { "eu1" } else { "na1" },
        });
        Reply::json(200, &body)
    }
}
