//! Enterprises, keys and profiles.

use domain::{ApiKey, CardProfile, Enterprise, EnterpriseId, Timestamp};
use store::{ClearUrl, EnterprisePatch, ListOrder, PageRequest, StoreError};

use crate::both_engines;
use crate::samples::{ENTERPRISE, NOW, enterprise, found, platform_key, profile, sealed};

/// Oldest first.
fn page<I>(cursor: Option<I>, limit: u32) -> PageRequest<I> {
    PageRequest { cursor, limit, order: ListOrder::OldestFirst }
}

both_engines!(an_enterprise_is_read_as_it_was_written, |store| {
    let bare = domain::Enterprise {
        webhook_url: None,
        auth_url: None,
        external_public_key: None,
        webhook_key: None,
        ip_allowlist: Vec::new(),
        redirect_hosts: Vec::new(),
        page_origins: Vec::new(),
        pci: false,
        ..enterprise(EnterpriseId::from_i64(2), None)
    };
    let full = enterprise(ENTERPRISE, Some("https://hook.example"));
    for it in [&bare, &full] {
        let key = platform_key(it.enterprise_id);
        store.create_enterprise(it.clone(), key).await.unwrap();
    }
    assert_eq!(store.find::<Enterprise>(ENTERPRISE).await.unwrap(), Some(full.clone()));
    assert_eq!(store.enterprises(page(None, 10)).await.unwrap(), [bare.clone(), full.clone()]);
    assert_eq!(store.enterprises(page(Some(bare.enterprise_id), 10)).await.unwrap(), [full]);
    assert_eq!(store.enterprises(page(None, 1)).await.unwrap(), [bare]);
    let key = store.platform_key(ENTERPRISE).await.unwrap().unwrap();
    assert_eq!((key.version, key.sealed_private_key), (1, vec![1, 2, 3]));
    assert!(store.platform_key(EnterpriseId::from_i64(9)).await.unwrap().is_none());
});

both_engines!(an_enterprise_is_created_once, |store| {
    found(&store, ENTERPRISE, None).await;
    let again = store
        .create_enterprise(enterprise(ENTERPRISE, None), platform_key(ENTERPRISE))
        .await
        .map(drop);
    assert!(matches!(again, Err(StoreError::Duplicate(_))), "{again:?}");
});

both_engines!(a_patch_changes_what_it_names_and_clears, |store| {
    found(&store, ENTERPRISE, Some("https://hook.example")).await;
    let patch = EnterprisePatch {
        webhook_url: Some(None),
        auth_deadline_ms: Some(700),
        redirect_hosts: Some(Vec::new()),
        ..EnterprisePatch::default()
    };
    let patched = store.patch_enterprise(ENTERPRISE, patch).await.unwrap().unwrap();
    let expected = domain::Enterprise {
        auth_deadline_ms: 700,
        redirect_hosts: Vec::new(),
        ..enterprise(ENTERPRISE, None)
    };
    assert_eq!(patched, expected);
    assert_eq!(store.find::<Enterprise>(ENTERPRISE).await.unwrap(), Some(expected));
    let nobody = EnterpriseId::from_i64(9);
    assert!(store.patch_enterprise(nobody, EnterprisePatch::default()).await.unwrap().is_none());
});

both_engines!(patches_of_different_fields_at_once_all_survive, |store| {
    found(&store, ENTERPRISE, None).await;
    for round in 0..8_u32 {
        let patches = [
            EnterprisePatch { auth_deadline_ms: Some(600 + round), ..Default::default() },
            EnterprisePatch { pci: Some(round % 2 == 0), ..Default::default() },
            EnterprisePatch { webhook_key: Some(Some(round.to_string())), ..Default::default() },
        ];
        let tasks = patches.map(|patch| {
            let store = store.clone();
            tokio::spawn(async move { store.patch_enterprise(ENTERPRISE, patch).await.unwrap() })
        });
        for task in tasks {
            assert!(task.await.unwrap().is_some());
        }
        let it = store.find::<Enterprise>(ENTERPRISE).await.unwrap().unwrap();
        let expected = (600 + round, round % 2 == 0, Some(round.to_string()));
        assert_eq!((it.auth_deadline_ms, it.pci, it.webhook_key), expected);
    }
});

both_engines!(an_api_key_is_revoked_once_and_by_its_owner, |store| {
    let key = |text: &str, at: Timestamp| ApiKey {
        api_key: text.to_owned(),
        enterprise_id: ENTERPRISE,
        sealed_secret: vec![1],
        created_at: at,
        revoked_at: None,
    };
    store.add_api_key(key("b", NOW)).await.unwrap();
    store.add_api_key(key("a", NOW.plus_seconds(1))).await.unwrap();
    let taken = store.add_api_key(key("a", NOW)).await.map(drop);
    assert!(matches!(taken, Err(StoreError::Duplicate(_))), "{taken:?}");
    let keys = store.api_keys(ENTERPRISE).await.unwrap();
    assert_eq!(keys.iter().map(|it| it.api_key.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    assert!(!store.revoke_api_key(EnterpriseId::from_i64(9), "a").await.unwrap());
    assert!(store.revoke_api_key(ENTERPRISE, "a").await.unwrap());
    assert!(!store.revoke_api_key(ENTERPRISE, "a").await.unwrap());
    assert!(store.api_key("a").await.unwrap().unwrap().revoked_at.is_some());
    assert!(store.api_key("b").await.unwrap().unwrap().revoked_at.is_none());
    assert!(store.api_key("c").await.unwrap().is_none());
});

both_engines!(an_api_key_is_read_with_its_owner_if_there_is_one, |store| {
    let key = |text: &str, owner: EnterpriseId| ApiKey {
        api_key: text.to_owned(),
        enterprise_id: owner,
        sealed_secret: vec![1],
        created_at: NOW,
        revoked_at: None,
    };
    let owner = enterprise(ENTERPRISE, Some("https://hook.example"));
    store.create_enterprise(owner.clone(), platform_key(ENTERPRISE)).await.unwrap();
    store.add_api_key(key("owned", ENTERPRISE)).await.unwrap();
    store.add_api_key(key("orphan", EnterpriseId::from_i64(9))).await.unwrap();
    let (owned, of_owned) = store.api_key_and_owner("owned").await.unwrap().unwrap();
    assert_eq!((owned.api_key.as_str(), owned.sealed_secret), ("owned", vec![1]));
    assert_eq!(of_owned, Some(owner));
    let (orphan, of_orphan) = store.api_key_and_owner("orphan").await.unwrap().unwrap();
    assert_eq!((orphan.enterprise_id, of_orphan), (EnterpriseId::from_i64(9), None));
    assert!(store.api_key_and_owner("none").await.unwrap().is_none());
});

both_engines!(a_profile_is_read_as_it_was_written_and_by_its_owner_only, |store| {
    let profile = profile();
    store.create_profile(profile.clone()).await.unwrap();
    let other = EnterpriseId::from_i64(9);
    let id = profile.profile_id;
    assert_eq!(store.find::<CardProfile>((ENTERPRISE, id)).await.unwrap(), Some(profile.clone()));
    assert_eq!(store.find::<CardProfile>((other, id)).await.unwrap(), None);
    assert_eq!(store.profiles(None, page(None, 10)).await.unwrap(), std::slice::from_ref(&profile));
    assert_eq!(store.profiles(Some(ENTERPRISE), page(None, 10)).await.unwrap(), [profile]);
    assert_eq!(store.profiles(Some(other), page(None, 10)).await.unwrap(), []);
    assert_eq!(store.profiles(None, page(Some(id), 10)).await.unwrap(), []);
});

both_engines!(urls_in_clear_are_sealed_and_leave_nothing_in_the_files, |store, database| {
    const CLEAR: &str = "very-secret-Yq8Zt2Lm";
    found(&store, ENTERPRISE, Some("https://old.example")).await;
    let urls = format!(
        "UPDATE enterprise SET sealed_webhook_url = NULL, sealed_auth_url = NULL, \
         webhook_url = 'https://hook.example/{CLEAR}', auth_url = 'https://auth.example/{CLEAR}'"
    );
    database.tamper(&urls).await;
    let seal = |it: &ClearUrl| {
        assert!(it.url.ends_with(CLEAR));
        sealed(&it.url)
    };
    assert_eq!(store.seal_clear_urls(seal).await.unwrap(), 2);
    assert_eq!(store.seal_clear_urls(seal).await.unwrap(), 0);
    let it = store.find::<Enterprise>(ENTERPRISE).await.unwrap().unwrap();
    assert_eq!(it.webhook_url, Some(sealed(&format!("https://hook.example/{CLEAR}"))));
    assert_eq!(it.auth_url, Some(sealed(&format!("https://auth.example/{CLEAR}"))));
    store.close().await;
    for file in database.files() {
        let is_there = file.windows(CLEAR.len()).any(|it| it == CLEAR.as_bytes());
        assert!(!is_there, "the clear URL");
    }
});
