//! Keys that sign, and how they are published.

use anyhow::{Context, Result, anyhow};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    rsa,
    signature::{self, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256},
};
use serde_json::{Value, json};

/// An RSA key of 2,048 bits that signs for nobody else: making one takes too long for a test.
pub(in crate::fakes) const RSA: &[u8] = include_bytes!("rsa.pk8");

/// A key and its name.
pub(super) struct SigningKey {
    pub(super) id: String,
    pair: Pair,
}

enum Pair {
    Rsa(Box<rsa::KeyPair>),
    P256(Box<EcdsaKeyPair>),
}

impl SigningKey {
    /// The RSA key, for RS256.
    pub(super) fn rsa(id: &str) -> Result<Self> {
        let pair = signature::RsaKeyPair::from_pkcs8(RSA).map_err(|why| anyhow!("the RSA key: {why}"))?;
        Ok(Self {
            id: id.to_owned(),
            pair: Pair::Rsa(Box::new(pair)),
        })
    }

    /// A new key on the curve P-256, for ES256.
    pub(super) fn p256(id: &str) -> Result<Self> {
        let (kind, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let key = EcdsaKeyPair::generate_pkcs8(kind, &random).map_err(|_| anyhow!("no key was made"))?;
        let pair = EcdsaKeyPair::from_pkcs8(kind, key.as_ref(), &random)
            .map_err(|why| anyhow!("the new key: {why}"))?;
        Ok(Self {
            id: id.to_owned(),
            pair: Pair::P256(Box::new(pair)),
        })
    }

    /// Name of the algorithm.
    pub(super) fn algorithm(&self) -> &'static str {
        match &self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::P256(_) => "ES256",
        }
    }

    /// The signature of a message, as tokens carry it.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signed = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signed)
                    .map_err(|_| anyhow!("not signed"))?;
                Ok(signed)
            }
            Pair::P256(pair) => {
                let signed = pair.sign(&random, message).map_err(|_| anyhow!("not signed"))?;
                Ok(signed.as_ref().to_vec())
            }
        }
    }

    /// What everybody may know of the key, which an attacker might try as a secret.
    pub(super) fn public_bytes(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair) => pair.public().as_ref().to_vec(),
            Pair::P256(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    /// The key as it is published.
    pub(super) fn published(&self) -> Result<Value> {
        let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut key = match &self.pair {
            Pair::Rsa(pair) => {
                let parts = rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({"kty": "RSA", "n": encoded(&parts.n), "e": encoded(&parts.e)})
            }
            Pair::P256(pair) => {
                // An uncompressed point: one byte that says so, then both coordinates.
                let point = pair.public_key().as_ref();
                let x = point.get(1..33).context("a point has two coordinates")?;
                let y = point.get(33..65).context("a point has two coordinates")?;
                json!({"kty": "EC", "crv": "P-256", "x": encoded(x), "y": encoded(y)})
            }
        };
        if let Some(key) = key.as_object_mut() {
            key.insert("kid".to_owned(), self.id.clone().into());
            key.insert("use".to_owned(), "sig".into());
            key.insert("alg".to_owned(), self.algorithm().into());
        }
        Ok(key)
    }
}
