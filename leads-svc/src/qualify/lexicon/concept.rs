//! The meanings that words and phrases may have, the same for every language.

macro_rules! concepts {
    ($($(#[$doc:meta])* $name:ident = $key:literal),+ $(,)?) => {
        /// One meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub(crate) enum Concept { $($(#[$doc])* $name),+ }

        impl Concept {
            /// The concept that a lexicon line names.
            pub(crate) fn parse(key: &str) -> Option<Self> {
                match key { $($key => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

concepts! {
    /// Function word; votes for its language.
    Function = "fn",
    /// Covers words that would mislead inside it.
    Mask = "mask",
    First = "i",
    Mine = "my",
    Our = "our",
    Other = "other",
    Neg = "neg",
    Yes = "yes",
    No = "no",
    But = "but",
    Past = "past",
    /// First person of "to be", with its subject.
    IAm = "i_am",
    IWas = "i_was",
    Number = "number",

    Funds = "funds",
    /// Money or approval that is still to come.
    Pending = "pending",
    Approved = "approved",
    /// "We have", "there is".
    Exists = "exists",
    NoFunds = "no_funds",
    /// No figure yet, or none told: says nothing against money.
    NoFigure = "no_figure",
    OwnFigure = "own_figure",
    /// "About", "we have": makes a figure their own only with a currency or as an answer.
    WeakOwn = "weak_own",
    PriceQuestion = "price_question",
    PriceSensitive = "price_sensitive",
    Foreign = "foreign",
    Current = "current",
    Loss = "loss",
    Revenue = "revenue",
    Unit = "unit",
    People = "people",
    /// Value: how many of it make a year.
    Per = "per",
    Scale = "scale",
    Currency = "currency",
    /// Value: share of the figure in the question.
    Share = "share",
    /// Corrects what was said before.
    Correction = "correction",

    TopRole = "top_role",
    MidRole = "mid_role",
    LowRole = "low_role",
    /// Somebody above or beside the visitor.
    Boss = "boss",
    Family = "family",
    Body = "body",
    Decide = "decide",
    /// Decides, with the visitor as the subject.
    IDecide = "i_decide",
    OthersDecide = "others_decide",
    IOwn = "i_own",
    Business = "business",
    Run = "run",
    Evaluate = "evaluate",
    IEvaluate = "i_evaluate",
    NeedsOk = "needs_ok",
    NoSay = "no_say",
    Errand = "errand",
    Rents = "rents",
    Minor = "minor",
    Alone = "alone",

    Problem = "problem",
    Weak = "weak",
    Ability = "ability",
    Want = "want",
    Wish = "wish",
    VagueWord = "vague",
    NoNeed = "no_need",
    Reason = "reason",

    Immediate = "immediate",
    NoRush = "no_rush",
    Month = "month",
    Weekday = "weekday",
    Season = "season",
    Holiday = "holiday",
    /// Value: days.
    Span = "span",
    Next = "next",
    This = "this",
    Early = "early",
    Middle = "middle",
    Late = "late",
    In = "in",
    After = "after",
    By = "by",
    Start = "start",
    Deadline = "deadline",
    Meeting = "meeting",
    Fiscal = "fiscal",
    FiscalStart = "fiscal_start",
    FiscalEnd = "fiscal_end",
    Quarter = "quarter",
    Ordinal = "ordinal",
    Of = "of",
    DayOf = "day_of",

    Customer = "customer",
    Support = "support",
    Job = "job",
    Vendor = "vendor",
    Homework = "homework",
    WrongPlace = "wrong_place",
    Tester = "tester",
    Injection = "injection",
    InjectionWord = "injection_word",
    Expansion = "expansion",
    SignOff = "sign_off",

    AskBudget = "ask_budget",
    AskAuthority = "ask_authority",
    /// Asks who else; "nobody" then means the visitor alone.
    AskOthers = "ask_others",
    AskOwner = "ask_owner",
    AskTiming = "ask_timing",
    AskNeed = "ask_need",
    /// A leading question about going lower or higher than a figure.
    AskAbove = "ask_above",
}

/// A set of concepts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ConceptSet(u128);

impl ConceptSet {
    pub(crate) fn add(&mut self, concept: Concept) {
        self.0 |= 1 << (concept as u8);
    }

    pub(crate) fn has(self, concept: Concept) -> bool {
        self.0 & (1 << (concept as u8)) != 0
    }

    pub(crate) fn any(self, concepts: &[Concept]) -> bool {
        concepts.iter().any(|concept| self.has(*concept))
    }
}
