//! Customers by the keys of their e-mails.

use domain::{Customer, CustomerId, Timestamp};
use store::CreateCustomerError;

use crate::both_engines;
use crate::samples::{ENTERPRISE, enterprise, platform_key};

fn customer(id: i64, email: &str) -> Customer {
    Customer {
        enterprise_id: ENTERPRISE,
        customer_id: CustomerId::from_i64(id),
        customer_ref: Some(format!("c-{id}")),
        email: Some(email.to_owned()),
        phone: None,
        phone_country_code: None,
        created_at: Timestamp::from_micros(id),
        modified_at: Timestamp::from_micros(id),
    }
}

/// True if a new customer with this address is refused for it.
async fn is_taken(store: &store::Store, id: i64, email: &str) -> bool {
    match store.create_customer(customer(id, email)).await {
        Ok(()) => false,
        Err(CreateCustomerError::EmailTaken) => true,
        Err(error) => panic!("{error}"),
    }
}

both_engines!(old_customers_get_their_keys_at_the_start_and_are_never_merged, |store, database| {
    let key = platform_key(ENTERPRISE);
    store.create_enterprise(enterprise(ENTERPRISE, None), key).await.unwrap();
    let old = [
        customer(1, "plain@example.com"),
        customer(3, "a@xn--bcher-kva.example"),
        customer(2, "a@b\u{fc}cher.example"),
        customer(4, "jos\u{e9}@example.com"),
        customer(5, "jose\u{301}@example.com"),
    ];
    let made = [1, 4];
    for it in old.iter().filter(|it| made.contains(&it.customer_id.as_i64())) {
        store.create_customer(it.clone()).await.unwrap();
    }
    // The others are as an earlier version wrote them: without a key.
    for it in old.iter().filter(|it| !made.contains(&it.customer_id.as_i64())) {
        let id = it.customer_id;
        let email = it.email.as_deref().unwrap();
        database
            .tamper(&format!(
                "INSERT INTO customer (enterprise_id, customer_id, customer_ref, email, \
                 created_at, modified_at) VALUES \
                 ({ENTERPRISE}, {id}, 'c-{id}', '{email}', {id}, {id})"
            ))
            .await;
    }
    database.tamper("UPDATE customer SET email_key = NULL WHERE customer_id = 4").await;
    for _ in 0..2 {
        let again = database.open_as(2).await;
        for it in &old {
            let found = again
                .find_by_ref::<Customer>(ENTERPRISE, it.customer_ref.as_deref().unwrap())
                .await
                .unwrap();
            assert_eq!(found.as_ref(), Some(it), "all go on as they are");
        }
        for taken in [
            "PLAIN@example.com",
            "a@B\u{dc}CHER.example",
            "a@XN--bcher-kva.example",
            "JOSE\u{301}@example.com",
        ] {
            assert!(is_taken(&again, 99, taken).await, "{taken}");
        }
        again.close().await;
    }
    let holders = "SELECT customer_id FROM customer WHERE email_key IN \
        ('plain@example.com', 'a@xn--bcher-kva.example', 'jos\u{e9}@example.com')";
    assert_eq!(database.ids(holders).await, [1, 2, 4], "the first of two equal ones is found");
});
