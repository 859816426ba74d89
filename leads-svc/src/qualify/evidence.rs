//! What the qualifier is given and what it answers.

use jiff::{Timestamp, tz::Offset};

use crate::domain::conversation::{Profile, Turn};
use crate::domain::icp::IdealCustomer;

/// One conversation to judge.
#[derive(Debug, Clone, Copy)]
pub struct Conversation<'a> {
    /// Time of the last message; "next month" is judged from it.
    pub captured_at: Timestamp,
    /// Where the visitor's wall clock is, so that "today" is their day; `Offset::UTC` when unknown.
    pub offset: Offset,
    /// Whom the workspace wants as customers.
    pub icp: &'a IdealCustomer,
    /// What the contact form said.
    pub profile: Profile<'a>,
    /// Every message, in order.
    pub turns: &'a [Turn<'a>],
}

/// A span of one visitor message: byte offsets, end exclusive, both on character boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quote {
    /// Zero-based index over all turns.
    pub message: usize,
    /// First byte of the span.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
}

/// What was found on one dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding<L> {
    /// The level reached.
    pub level: L,
    /// The words that earned it; none when nothing was said or the profile decided.
    pub quote: Option<Quote>,
    /// The rule that decided.
    pub reason: Reason,
}

impl<L: Default> Finding<L> {
    /// The lowest level, with nothing said.
    pub fn nothing(reason: Reason) -> Self {
        Self {
            level: L::default(),
            quote: None,
            reason,
        }
    }
}

/// The four findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// Money they have.
    pub budget: Finding<BudgetLevel>,
    /// Their say in the purchase.
    pub authority: Finding<AuthorityLevel>,
    /// The problem they have.
    pub need: Finding<NeedLevel>,
    /// When they want it.
    pub timing: Finding<TimingLevel>,
}

macro_rules! levels {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $key:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { #[default] $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value, in the order declared.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The machine word, as stored and sent.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),+ }
            }
        }
    };
}

levels! {
    /// Money, lowest to highest.
    BudgetLevel {
        /// Nothing said, or no money.
        None = "none",
        /// Asks the price, gives no figure.
        AskedPrice = "asked_price",
        /// A figure of their own under the ideal customer's minimum.
        BelowIcp = "below_icp",
        /// Money exists or is approved, no figure.
        ApprovedNoFigure = "approved_no_figure",
        /// A figure of their own that reaches the minimum.
        Fits = "fits",
    }
}

levels! {
    /// Say in the purchase, lowest to highest.
    AuthorityLevel {
        /// Nothing said.
        None = "none",
        /// Uses or researches, without a say.
        User = "user",
        /// Evaluates or recommends; somebody else signs.
        Influencer = "influencer",
        /// Decides or signs.
        DecisionMaker = "decision_maker",
    }
}

levels! {
    /// Problem told, lowest to highest.
    NeedLevel {
        /// No problem told, or no buyer.
        None = "none",
        /// Interest or a general wish.
        Vague = "vague",
        /// A concrete problem.
        Specific = "specific",
    }
}

levels! {
    /// Date of purchase or start, lowest to highest.
    TimingLevel {
        /// Nothing said.
        None = "none",
        /// Over 180 days off, or no hurry.
        Later = "later",
        /// 91 to 180 days off.
        Mid = "mid",
        /// Within 90 days.
        Soon = "soon",
    }
}

levels! {
    /// The rule that decided a finding.
    Reason {
        /// The visitor said nothing on it.
        NothingSaid = "nothing_said",
        /// Not a buying conversation: support, job, pitch, homework, wrong number.
        NotBuying = "not_buying",
        /// The title of the profile.
        ProfileTitle = "profile_title",
        /// A figure of the visitor's own.
        OwnFigure = "own_figure",
        /// A yes or no to a figure that a bot or agent named.
        ConfirmedFigure = "confirmed_figure",
        /// Money said to exist or to be approved.
        FundsApproved = "funds_approved",
        /// Asked for the price or minded it.
        PriceQuestion = "price_question",
        /// Said that there is no money.
        NoFunds = "no_funds",
        /// Said to decide or to sign.
        Decides = "decides",
        /// Owns the business or the home, or pays for themselves.
        Owns = "owns",
        /// Named their own role.
        OwnRole = "own_role",
        /// Somebody else decides or must agree.
        OthersDecide = "others_decide",
        /// Evaluates or recommends.
        Evaluates = "evaluates",
        /// Said to have no say.
        NoSay = "no_say",
        /// Told a concrete problem.
        ProblemTold = "problem_told",
        /// Told interest only.
        InterestOnly = "interest_only",
        /// Said that nothing is needed.
        NothingNeeded = "nothing_needed",
        /// A date or a span of time.
        DateNamed = "date_named",
        /// As soon as possible, in words.
        Urgent = "urgent",
        /// No hurry, in words.
        NoHurry = "no_hurry",
    }
}
