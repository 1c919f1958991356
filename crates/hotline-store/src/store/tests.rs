//! Opening, versions, realm and accounts.

use super::*;
use crate::projector::tests::Folder;
use crate::{Account, Ha1, Role, ha1};
use std::os::unix::fs::PermissionsExt;

fn account(user: &str) -> Account {
    Account {
        user: user.to_owned(),
        name: "Nguyễn Thị Lan".to_owned(),
        ha1: ha1(user, "hotline111", "secret"),
        languages: vec!["vi".to_owned(), "en".to_owned()],
        services: vec!["child".to_owned()],
        centre: "Hà Nội".to_owned(),
        wrap_up_s: Some(30),
        hard_calls_max: Some(3),
        is_in_training: false,
        is_reserve: false,
        is_signed_in_by_registration: true,
        role: Role::Counsellor,
    }
}

#[test]
fn ha1_is_that_of_the_rfc() {
    // RFC 7616 §3.9.1 gives the parts; the sums are those of md5sum and sha256sum.
    let found = ha1("Mufasa", "http-auth@example.org", "Circle of Life");
    assert_eq!(found.md5, "3d78807defe7de2157e2b0b6573a855f");
    assert_eq!(
        found.sha256,
        "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232"
    );
    assert_eq!(format!("{found:?}"), "Ha1(***)");
}

#[tokio::test]
async fn accounts_are_added_listed_changed_and_deleted() {
    let folder = Folder::new();
    let store = Store::open(&folder.database()).await.unwrap();
    store.add_account(&account("tv02")).await.unwrap();
    store.add_account(&account("tv01")).await.unwrap();
    assert!(matches!(
        store.add_account(&account("tv01")).await,
        Err(StoreError::AccountExists { .. })
    ));
    assert_eq!(
        store.accounts().await.unwrap(),
        [account("tv01"), account("tv02")]
    );
    let fresh = ha1("tv01", "hotline111", "other");
    store.set_password("tv01", &fresh).await.unwrap();
    assert_eq!(
        store.accounts().await.unwrap()[0],
        Account {
            ha1: fresh,
            ..account("tv01")
        }
    );
    store.delete_account("tv01").await.unwrap();
    let nobody = Ha1 {
        sha256: String::new(),
        md5: String::new(),
    };
    assert!(matches!(
        store.delete_account("tv01").await,
        Err(StoreError::AccountUnknown { .. })
    ));
    assert!(matches!(
        store.set_password("tv01", &nobody).await,
        Err(StoreError::AccountUnknown { .. })
    ));
    assert_eq!(store.accounts().await.unwrap(), [account("tv02")]);
}

#[tokio::test]
async fn the_realm_is_fixed_once() {
    let folder = Folder::new();
    let store = Store::open(&folder.database()).await.unwrap();
    assert_eq!(store.realm().await.unwrap(), None);
    store.fix_realm("hotline111").await.unwrap();
    store.fix_realm("hotline111").await.unwrap();
    assert!(
        matches!(store.fix_realm("other").await, Err(StoreError::RealmFixed { realm }) if realm == "hotline111")
    );
    assert_eq!(store.realm().await.unwrap().as_deref(), Some("hotline111"));
}

#[tokio::test]
async fn the_file_is_private_and_whole() {
    let folder = Folder::new();
    let store = Store::open(&folder.database()).await.unwrap();
    store.add_account(&account("tv01")).await.unwrap();
    for name in ["hotline.db", "hotline.db-wal"] {
        let mode = std::fs::metadata(folder.0.join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    store.check_integrity().await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn a_newer_or_foreign_database_is_refused() {
    let folder = Folder::new();
    drop(Store::open(&folder.database()).await.unwrap());
    let store = Store::open(&folder.database()).await.unwrap();
    sqlx::raw_sql("PRAGMA user_version = 99")
        .execute(&mut *store.writer().await)
        .await
        .unwrap();
    assert!(matches!(
        Store::open(&folder.database()).await,
        Err(StoreError::Newer { found: 99, .. })
    ));
    sqlx::raw_sql("PRAGMA user_version = 1; PRAGMA application_id = 5")
        .execute(&mut *store.writer().await)
        .await
        .unwrap();
    assert!(matches!(
        Store::open(&folder.database()).await,
        Err(StoreError::Foreign)
    ));
    std::fs::write(
        folder.0.join("text.db"),
        "this is no database, it is a text of some length",
    )
    .unwrap();
    assert!(Store::open(&folder.0.join("text.db")).await.is_err());
    assert!(matches!(
        Store::open(&folder.0.join("no/such/folder.db")).await,
        Err(StoreError::Open { .. })
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_openers_of_a_new_database_agree() {
    for _ in 0..10 {
        let folder = Folder::new();
        let mut openers = tokio::task::JoinSet::new();
        for number in 0..4 {
            let path = folder.database();
            openers.spawn(async move {
                let store = Store::open(&path).await.unwrap();
                store
                    .add_account(&account(&format!("tv{number}")))
                    .await
                    .unwrap();
            });
        }
        openers.join_all().await;
        assert_eq!(
            Store::open(&folder.database())
                .await
                .unwrap()
                .accounts()
                .await
                .unwrap()
                .len(),
            4
        );
    }
}
