//! Accounts: who may register a phone, and as which counsellor.

use crate::store::{Store, StoreError};
use md5::Md5;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use std::fmt::Write;

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    Admin,
    /// Serves callers.
    Counsellor,
    /// A phone without a counsellor (a test, a door).
    Device,
    /// Listens and helps.
    Supervisor,
}

impl Role {
    /// Word in the database and on the command line.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Counsellor => "counsellor",
            Self::Device => "device",
            Self::Supervisor => "supervisor",
        }
    }

    /// By its word.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [
            Self::Admin,
            Self::Counsellor,
            Self::Device,
            Self::Supervisor,
        ]
        .into_iter()
        .find(|role| role.code() == code)
    }
}

/// H(user:realm:password) for both algorithms, lower-case hex (RFC 7616 §3.4.2). As secret as a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Ha1 {
    /// SHA-256, 64 digits.
    pub sha256: String,
    /// MD5, 32 digits.
    pub md5: String,
}

impl std::fmt::Debug for Ha1 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ha1(***)")
    }
}

/// What is kept of a password.
#[must_use]
pub fn ha1(user: &str, realm: &str, password: &str) -> Ha1 {
    let text = format!("{user}:{realm}:{password}");
    Ha1 {
        sha256: hex(&Sha256::digest(text.as_bytes())),
        md5: hex(&Md5::digest(text.as_bytes())),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            write!(text, "{byte:02x}").ok();
            text
        })
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// User name, e.g. `tv01`.
    pub user: String,
    /// Name shown to people.
    pub name: String,
    /// What is kept of the password.
    pub ha1: Ha1,
    /// Codes of languages spoken; `en:2` = second best level.
    pub languages: Vec<String>,
    /// Names of services taken, with levels likewise.
    pub services: Vec<String>,
    /// Centre.
    pub centre: String,
    /// Paperwork after a call, seconds; None = until they say that it is done.
    pub wrap_up_s: Option<u32>,
    /// Hard calls of a shift; None = no limit.
    pub hard_calls_max: Option<u32>,
    /// Gets simulated callers only.
    pub is_in_training: bool,
    /// Gets only callers who have waited long.
    pub is_reserve: bool,
    /// Ready as soon as a phone is registered.
    pub is_signed_in_by_registration: bool,
    /// What it may do.
    pub role: Role,
}

impl Store {
    /// Adds an account.
    ///
    /// # Errors
    /// The name is taken, or the database does not answer.
    pub async fn add_account(&self, account: &Account) -> Result<(), StoreError> {
        let failed = |source| StoreError::Accounts {
            what: "adding",
            source,
        };
        let added = sqlx::query(
            "INSERT INTO accounts (user, name, ha1_sha256, ha1_md5, languages, services, centre, wrap_up_s,
                 is_signed_in_by_registration, role, hard_calls_max, is_in_training, is_reserve)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (user) DO NOTHING",
        )
        .bind(&account.user)
        .bind(&account.name)
        .bind(&account.ha1.sha256)
        .bind(&account.ha1.md5)
        .bind(list_text(&account.languages))
        .bind(list_text(&account.services))
        .bind(&account.centre)
        .bind(account.wrap_up_s.map_or(UNTIL_DONE, i64::from))
        .bind(account.is_signed_in_by_registration)
        .bind(account.role.code())
        .bind(account.hard_calls_max)
        .bind(account.is_in_training)
        .bind(account.is_reserve)
        .execute(&mut *self.writer().await)
        .await
        .map_err(failed)?;
        if added.rows_affected() == 0 {
            return Err(StoreError::AccountExists {
                user: account.user.clone(),
            });
        }
        Ok(())
    }

    /// All accounts, by user name.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let failed = |source| StoreError::Accounts {
            what: "listing",
            source,
        };
        let rows = sqlx::query("SELECT * FROM accounts ORDER BY user")
            .fetch_all(self.readers())
            .await
            .map_err(failed)?;
        rows.iter()
            .map(account)
            .collect::<Result<_, _>>()
            .map_err(failed)
    }

    /// Replaces a password.
    ///
    /// # Errors
    /// No such account, or the database does not answer.
    pub async fn set_password(&self, user: &str, ha1: &Ha1) -> Result<(), StoreError> {
        let failed = |source| StoreError::Accounts {
            what: "setting a password",
            source,
        };
        let changed = sqlx::query("UPDATE accounts SET ha1_sha256 = ?, ha1_md5 = ? WHERE user = ?")
            .bind(&ha1.sha256)
            .bind(&ha1.md5)
            .bind(user)
            .execute(&mut *self.writer().await)
            .await
            .map_err(failed)?;
        known(changed.rows_affected(), user)
    }

    /// Removes an account.
    ///
    /// # Errors
    /// No such account, or the database does not answer.
    pub async fn delete_account(&self, user: &str) -> Result<(), StoreError> {
        let failed = |source| StoreError::Accounts {
            what: "deleting",
            source,
        };
        let changed = sqlx::query("DELETE FROM accounts WHERE user = ?")
            .bind(user)
            .execute(&mut *self.writer().await)
            .await
            .map_err(failed)?;
        known(changed.rows_affected(), user)
    }
}

fn known(rows: u64, user: &str) -> Result<(), StoreError> {
    if rows == 0 {
        Err(StoreError::AccountUnknown {
            user: user.to_owned(),
        })
    } else {
        Ok(())
    }
}

fn account(row: &SqliteRow) -> Result<Account, sqlx::Error> {
    let role: String = row.try_get("role")?;
    Ok(Account {
        user: row.try_get("user")?,
        name: row.try_get("name")?,
        ha1: Ha1 {
            sha256: row.try_get("ha1_sha256")?,
            md5: row.try_get("ha1_md5")?,
        },
        languages: list(row.try_get("languages")?)?,
        services: list(row.try_get("services")?)?,
        centre: row.try_get("centre")?,
        wrap_up_s: u32::try_from(row.try_get::<i64, _>("wrap_up_s")?).ok(),
        hard_calls_max: row.try_get("hard_calls_max")?,
        is_in_training: row.try_get("is_in_training")?,
        is_reserve: row.try_get("is_reserve")?,
        is_signed_in_by_registration: row.try_get("is_signed_in_by_registration")?,
        // A role that this version does not know may do nothing but ring.
        role: Role::from_code(&role).unwrap_or(Role::Device),
    })
}

/// Stands in `wrap_up_s` for paperwork that no clock ends.
const UNTIL_DONE: i64 = -1;

fn list_text(values: &[String]) -> String {
    serde_json::Value::from(values).to_string()
}

fn list(text: &str) -> Result<Vec<String>, sqlx::Error> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))
}
