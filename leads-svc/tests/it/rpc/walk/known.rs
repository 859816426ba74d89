//! What each workspace has: the ids, tokens and words that nobody else may see.

use std::{
    collections::{HashMap, VecDeque},
    sync::LazyLock,
};

use leads_svc::{domain::ids, service::principal::Scope};
use rand::{RngExt, rngs::StdRng};
use regex::Regex;
use uuid::Uuid;

use crate::rpc::service::Service;

/// Newest values of a kind that are kept for further calls.
const KEPT: usize = 60;
/// Letters of a MAC.
const MAC: usize = 43;
const DIGITS: &[u8] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LETTERS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Identifiers that we make, wherever they stand; not of messages, whose ids callers may choose.
static ID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("(?:lead|contact|member|merge|erasure|conn|job|task|act|ws)_[0-9a-z]{26}").unwrap()
});

/// What a value names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Lead,
    Contact,
    Member,
    Merge,
    Erasure,
    Connection,
    Job,
    Task,
    Activity,
    Workspace,
    Key,
    Mac,
    /// A caller's own id of a request, a conversation, a message or a visitor: others may choose the same.
    Chosen,
}

/// A workspace of the walk.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its id.
    pub name: String,
    /// A word that only its texts have.
    pub canary: &'static str,
    /// How only its phone numbers begin.
    pub phone: &'static str,
    /// A key with all of its scopes.
    pub key: String,
}

/// A page that another follows.
#[derive(Debug, Clone)]
pub struct Page {
    pub method: String,
    /// The request that led to it.
    pub request: Vec<u8>,
    pub token: String,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Known {
    owners: HashMap<String, usize>,
    values: HashMap<(usize, Kind), VecDeque<String>>,
    pages: HashMap<usize, VecDeque<Page>>,
    /// Keys that the walkers call with: nobody ends them.
    spared: Vec<String>,
}

impl Tenant {
    pub async fn of(service: &Service, id: Uuid, canary: &'static str, phone: &'static str) -> Self {
        let scopes: Vec<Scope> = Scope::of_workspaces().collect();
        let bound = leads_svc::service::principal::Bound::Workspace(id);
        Self {
            name: ids::format::<ids::Workspace>(id),
            canary,
            phone,
            key: service.key(&bound, &scopes).await,
        }
    }
}

impl Known {
    pub fn of(tenants: &[Tenant]) -> Self {
        let mut known = Self::default();
        for (index, tenant) in tenants.iter().enumerate() {
            known.owners.insert(tenant.name.clone(), index);
            let key = tenant.key.split('_').nth(1).unwrap().to_owned();
            known.owners.insert(key.clone(), index);
            known.spared.push(key);
        }
        known
    }

    /// Whose a value is, if it is somebody's.
    pub fn owner(&self, value: &str) -> Option<usize> {
        self.owners.get(value).copied()
    }

    /// Notes that a value is a workspace's, unless it is known to be somebody's.
    pub fn note(&mut self, tenant: usize, kind: Kind, value: &str) {
        if kind != Kind::Chosen {
            self.owners.entry(value.to_owned()).or_insert(tenant);
        }
        if self.spared.iter().any(|spared| spared == value) {
            return;
        }
        let values = self.values.entry((tenant, kind)).or_default();
        if !values.iter().any(|known| known == value) {
            values.push_back(value.to_owned());
        }
        if values.len() > KEPT {
            values.pop_front();
        }
    }

    pub fn note_page(&mut self, tenant: usize, page: Page) {
        let pages = self.pages.entry(tenant).or_default();
        pages.push_back(page);
        if pages.len() > KEPT {
            pages.pop_front();
        }
    }

    /// A value of a workspace.
    pub fn pick(&self, tenant: usize, kind: Kind, random: &mut StdRng) -> Option<String> {
        let values = self.values.get(&(tenant, kind))?;
        values.get(random.random_range(0..values.len())).cloned()
    }

    /// A page of a method that a workspace was given.
    pub fn page(&self, tenant: usize, method: &str, random: &mut StdRng) -> Option<Page> {
        let pages = self.pages.get(&tenant)?;
        let fitting: Vec<&Page> = pages.iter().filter(|page| page.method == method).collect();
        let page = fitting.get(random.random_range(0..fitting.len().max(1)))?;
        Some((*page).clone())
    }
}

/// All ids of a text, with their kinds.
pub fn ids_of(text: &str) -> impl Iterator<Item = (Kind, &str)> {
    ID.find_iter(text).map(|found| {
        let id = found.as_str();
        let kind = match id.split('_').next().unwrap() {
            "lead" => Kind::Lead,
            "contact" => Kind::Contact,
            "member" => Kind::Member,
            "merge" => Kind::Merge,
            "erasure" => Kind::Erasure,
            "conn" => Kind::Connection,
            "job" => Kind::Job,
            "task" => Kind::Task,
            "act" => Kind::Activity,
            _ => Kind::Workspace,
        };
        (kind, id)
    })
}

/// Something of the same form as `value` that nobody has.
pub fn unlike(value: &str, random: &mut StdRng) -> String {
    let (drawn, letters) = match value.find('_') {
        // Prefix, time and the bits that every id has stay.
        Some(underscore) if ID.is_match(value) => (underscore + 15..value.len(), DIGITS),
        // In base64 the last letter holds less than the others.
        _ => (0..value.len() - usize::from(value.len() == MAC), LETTERS),
    };
    let mut unlike = value.to_owned();
    let other: String = drawn
        .clone()
        .map(|_| char::from(letters[random.random_range(0..letters.len())]))
        .collect();
    unlike.replace_range(drawn, &other);
    unlike
}

/// An id of nothing.
pub fn nothing(kind: Kind, random: &mut StdRng) -> String {
    let id = Uuid::from_u128(0x0198_f2d4_0000_7000_8000_0000_0000_0001);
    let like = match kind {
        Kind::Lead => ids::format::<ids::Lead>(id),
        Kind::Contact => ids::format::<ids::Contact>(id),
        Kind::Member => ids::format::<ids::Member>(id),
        Kind::Merge => ids::format::<ids::Merge>(id),
        Kind::Erasure => ids::format::<ids::Erasure>(id),
        Kind::Connection => ids::format::<ids::Connection>(id),
        Kind::Job => ids::format::<ids::Job>(id),
        Kind::Task => ids::format::<ids::Task>(id),
        Kind::Activity => ids::format::<ids::Activity>(id),
        Kind::Workspace => ids::format::<ids::Workspace>(id),
        Kind::Key => "A".repeat(12),
        Kind::Mac => "A".repeat(MAC),
        Kind::Chosen => return Uuid::from_u128(random.random()).to_string(),
    };
    unlike(&like, random)
}
