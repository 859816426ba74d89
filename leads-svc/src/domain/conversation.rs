//! Who said what in a conversation, borrowed from wherever it is stored.

/// Who wrote a message. Only a visitor's words are evidence; the others give short answers their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The person who may become a lead.
    Visitor,
    /// The automatic assistant.
    Bot,
    /// A human colleague of the workspace.
    Agent,
}

/// One message of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn<'a> {
    /// Its author.
    pub role: Role,
    /// What was written, verbatim.
    pub text: &'a str,
}

/// What the contact form or the channel said about the visitor; any part may be missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Profile<'a> {
    /// Name as given.
    pub name: Option<&'a str>,
    /// Email address as given.
    pub email: Option<&'a str>,
    /// Employer as given.
    pub company: Option<&'a str>,
    /// Job title as given.
    pub title: Option<&'a str>,
}
