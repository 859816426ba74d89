//! What the provider, or somebody in its place, can get wrong.

/// One thing that is wrong with every answer until it is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The token has a nonce that nobody sent.
    WrongNonce,
    /// The token has no nonce.
    NoNonce,
    /// The token is for another client.
    WrongAudience,
    /// The token is for us and for another client.
    FurtherAudience,
    /// The token is for us, but was given to another client.
    OtherParty,
    /// The token names another issuer.
    WrongIssuer,
    /// The token has ended.
    Expired,
    /// The token is of tomorrow.
    FromTomorrow,
    /// The token has no signature, and says so.
    AlgNone,
    /// The token is signed as with a shared secret, which is the published key.
    HmacWithPublicKey,
    /// The token is signed with the client's secret.
    HmacWithSecret,
    /// The signature was altered.
    BrokenSignature,
    /// The token is signed by a key that is not published, under the name of one that is.
    ForeignKey,
    /// The token is signed by a key that is not published, under its own name.
    UnknownKey,
    /// The provider has not verified the address.
    UnverifiedAddress,
    /// The provider does not say whether it has.
    SilentAboutVerification,
    /// The token has no address.
    NoAddress,
    /// The address is verified, which a text says instead of a truth value: some providers do that.
    VerifiedAsText,
    /// The token endpoint refuses every code.
    CodeRefused,
    /// The token endpoint fails.
    TokenFails,
    /// The token endpoint never answers.
    TokenHangs,
    /// The token endpoint answers without an ID token.
    NoIdToken,
    /// The description cannot be had.
    NoDescription,
    /// The description is another issuer's.
    OtherDescription,
    /// The browser comes back with the name of another issuer.
    OtherIssuerReturns,
}
