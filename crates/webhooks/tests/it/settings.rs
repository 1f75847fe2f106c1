//! URLs and keys that are set, removed and changed.

use domain::DeliveryStatus;
use store::EnterprisePatch;
use wire::cardbridge::signature::webhook_signature_matches;

use crate::bed::Bed;
use crate::receiver::Receiver;

#[tokio::test]
async fn without_a_url_webhooks_are_kept_and_delivered_once_it_is_set() {
    let mut bed = Bed::new().await;
    let enterprise_id = bed.add_enterprise(None).await;
    bed.add_key(enterprise_id).await;
    let order = bed.place(enterprise_id).await;
    bed.finish(&order).await;
    bed.schedule.advance(86_400).await.unwrap();
    let views = bed.deliveries(&order).await;
    assert!(views.iter().all(|v| v.status == DeliveryStatus::Pending && v.attempts.is_empty()));

    bed.run();
    let receiver = Receiver::answering(&[]).await;
    bed.set_url(enterprise_id, &receiver.url).await;
    bed.wait_until_told(&order).await;
    bed.stop().await;
    assert_eq!(receiver.seen().len(), 5);
}

#[tokio::test]
async fn without_an_active_key_a_try_fails_and_says_why() {
    let bed = Bed::new().await;
    let receiver = Receiver::answering(&[]).await;
    let enterprise_id = bed.add_enterprise(Some(&receiver.url)).await;
    let order = bed.place(enterprise_id).await;
    bed.schedule.advance(0).await.unwrap();
    let view = &bed.deliveries(&order).await[0];
    assert_eq!(view.attempts.len(), 1);
    assert_eq!(view.attempts[0].status, None);
    assert!(view.attempts[0].excerpt.contains("no active API key"));
    assert_eq!(receiver.seen().len(), 0);
    bed.add_key(enterprise_id).await;
    bed.schedule.advance(11).await.unwrap();
    assert_eq!(bed.deliveries(&order).await[0].status, DeliveryStatus::Delivered);
}

#[tokio::test]
async fn the_oldest_active_key_signs_unless_another_is_named() {
    let bed = Bed::new().await;
    let receiver = Receiver::answering(&[]).await;
    let enterprise_id = bed.add_enterprise(Some(&receiver.url)).await;
    let (revoked, _) = bed.add_key(enterprise_id).await;
    let (_, oldest_active) = bed.add_key(enterprise_id).await;
    let (named, named_secret) = bed.add_key(enterprise_id).await;
    bed.store.revoke_api_key(enterprise_id, &revoked).await.unwrap();
    bed.place(enterprise_id).await;
    bed.schedule.advance(0).await.unwrap();
    let patch = EnterprisePatch { webhook_key: Some(Some(named)), ..Default::default() };
    bed.store.patch_enterprise(enterprise_id, patch).await.unwrap();
    bed.place(enterprise_id).await;
    bed.schedule.advance(0).await.unwrap();
    let seen = receiver.seen();
    for (request, secret) in seen.iter().zip([oldest_active, named_secret]) {
        let signature = request.header("x-signature");
        assert!(webhook_signature_matches(secret.expose(), &request.body, signature));
    }
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn nobody_listening_is_a_failed_try_without_status() {
    let bed = Bed::new().await;
    // Bound but not listening: the port refuses, and nobody else can take it.
    let refusing = tokio::net::TcpSocket::new_v4().unwrap();
    refusing.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/hook", refusing.local_addr().unwrap());
    let enterprise_id = bed.add_enterprise(Some(&url)).await;
    bed.add_key(enterprise_id).await;
    let order = bed.place(enterprise_id).await;
    bed.schedule.advance(0).await.unwrap();
    let view = &bed.deliveries(&order).await[0];
    assert_eq!((view.status, view.attempts.len()), (DeliveryStatus::Pending, 1));
    assert_eq!(view.attempts[0].status, None);
    assert!(!view.attempts[0].excerpt.is_empty());
}
