//! Many reads of a process that only reads, answered from one list.
//!
//! `terraform plan` reads every destination on its own: a thousand of them are
//! a thousand requests. After a few single reads on a level the whole level is
//! therefore listed once, and reads that come soon after are answered from the
//! list. One destination never costs more than its single read.
//!
//! A list also brings secrets of destinations that nobody asks for, and which
//! those are nobody can know before the last read. So entries stay as SAP wrote
//! them, unread; each is handed out once, and the rest is dropped as soon as no
//! read has come for a moment.
//!
//! The first write of the process ends this for good: from then on every read
//! goes to SAP, so that what is read back after a write is never old.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::destination::object::Unread;
use super::level::Level;

/// Single reads before a list is worth its size.
const SINGLE_READS: u32 = 3;

/// How old a list may be when it answers a read.
const MAX_AGE: Duration = Duration::from_secs(30);

/// How long a list outlives the last read that asked for it. Terraform's reads
/// follow each other within milliseconds.
const LINGERS: Duration = Duration::from_secs(2);

/// What has been read so far, per level.
#[derive(Default)]
pub(crate) struct ManyReads {
    subaccount: Arc<LevelReads>,
    instance: Arc<LevelReads>,
}

/// The reads of one level.
#[derive(Default)]
pub(crate) struct LevelReads {
    state: Mutex<State>,
    /// Held by whoever lists, so that the others wait for the list.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    over: bool,
    singles: u32,
    list: Option<List>,
}

struct List {
    asked: Instant,
    last_used: Instant,
    /// `None` has been handed out.
    entries: HashMap<String, Option<Unread>>,
}

impl List {
    /// When it must be gone, unless it is used again.
    fn end(&self) -> Instant {
        (self.asked + MAX_AGE).min(self.last_used + LINGERS)
    }
}

/// Where the answer to a read comes from.
pub(crate) enum Answered {
    /// From the list.
    Listed(Option<Unread>),
    /// Ask SAP for this one.
    BySingleRead,
    /// Take the turn, look again, and list the level.
    ByNewList,
}

impl ManyReads {
    pub(crate) fn of(&self, level: Level) -> &Arc<LevelReads> {
        match level {
            Level::Subaccount => &self.subaccount,
            Level::Instance => &self.instance,
        }
    }

    /// From now on every read goes to SAP.
    pub(crate) fn end(&self) {
        self.subaccount.end();
        self.instance.end();
    }
}

impl LevelReads {
    /// Decides where the answer comes from, and takes it if it is here.
    pub(crate) fn answer(&self, name: &str, now: Instant) -> Answered {
        let mut state = self.lock();
        if state.over {
            return Answered::BySingleRead;
        }
        state.list.take_if(|list| list.end() < now);
        if let Some(list) = &mut state.list {
            list.last_used = now;
            return match list.entries.get_mut(name) {
                None => Answered::Listed(None),
                Some(entry) => match entry.take() {
                    Some(found) => Answered::Listed(Some(found)),
                    None => Answered::BySingleRead,
                },
            };
        }
        if state.singles < SINGLE_READS {
            state.singles += 1;
            return Answered::BySingleRead;
        }
        Answered::ByNewList
    }

    /// Keeps a list of the whole level that was asked for at `asked`, by name.
    pub(crate) fn keep(
        self: &Arc<Self>,
        all: Vec<(String, Unread)>,
        asked: Instant,
        clock: &Arc<dyn Clock>,
    ) {
        let mut state = self.lock();
        if state.over {
            return;
        }
        let entries = all.into_iter().map(|(name, one)| (name, Some(one)));
        state.list = Some(List {
            asked,
            last_used: clock.now(),
            entries: entries.collect(),
        });
        tokio::spawn(drop_in_time(Arc::downgrade(self), Arc::clone(clock)));
    }

    /// Drops the list when its time has come; otherwise tells when that is.
    fn drop_old(&self, now: Instant) -> Option<Instant> {
        let mut state = self.lock();
        state.list.take_if(|list| list.end() <= now);
        state.list.as_ref().map(List::end)
    }

    pub(crate) fn end(&self) {
        *self.lock() = State {
            over: true,
            ..State::default()
        };
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nobody may ask any more, so the list cannot wait for that to be dropped.
async fn drop_in_time(reads: Weak<LevelReads>, clock: Arc<dyn Clock>) {
    while let Some(end) = reads
        .upgrade()
        .and_then(|reads| reads.drop_old(clock.now()))
    {
        clock.passed(end).await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use serde_json::json;

    use super::*;
    use crate::testing::{Received, Reply, Server, answer, token_answer};
    use crate::{Changes, Collection as _, Context, Destinations, Properties};

    const LEVEL: Level = Level::Subaccount;

    /// A Destination service with `d0` to `d<count - 1>`.
    async fn service(count: usize) -> Server {
        Server::handler(move |request| reply(request, count)).await
    }

    fn reply(request: &Received, count: usize) -> Reply {
        if request.is_token() {
            return token_answer(1);
        }
        if request.method != "GET" {
            return answer(204, "");
        }
        let asked = |name: &str| {
            !request.target.contains("$filter") || request.target.contains(&format!("%27{name}%27"))
        };
        let names = (0..count)
            .map(|number| format!("d{number}"))
            .filter(|name| asked(name));
        let found: Vec<_> = names
            .map(|name| json!({"Name": name, "$metadata": {"etag": format!("e-{name}")}}))
            .collect();
        answer(200, &json!(found).to_string())
    }

    async fn etag(
        destinations: &Destinations<'_>,
        context: &Context,
        name: &str,
    ) -> Option<String> {
        let found = destinations.find(context, LEVEL, name).await.unwrap()?;
        assert_eq!(found.name(), name);
        found.metadata.etag
    }

    #[tokio::test]
    async fn thousand_reads_are_four_requests() {
        let server = service(1000).await;
        let test = server.client();
        let destinations = test.client.destinations().unwrap();
        let names: Vec<String> = (0..1001).map(|number| format!("d{number}")).collect();
        for ten in names.chunks(10) {
            let read = |name| etag(&destinations, &test.context, name);
            let found = join_all(ten.iter().map(|name| read(name))).await;
            for (name, found) in ten.iter().zip(found) {
                let there = (name != "d1000").then(|| format!("e-{name}"));
                assert_eq!(found, there);
            }
        }
        assert_eq!(server.calls().len(), 4);
        assert_eq!(server.tokens(), 1);
    }

    #[tokio::test]
    async fn few_reads_are_single_and_bring_nothing_else() {
        let server = service(1000).await;
        let test = server.client();
        let destinations = test.client.destinations().unwrap();
        for name in ["d1", "d2", "d3"] {
            etag(&destinations, &test.context, name).await.unwrap();
        }
        assert!(
            server
                .calls()
                .iter()
                .all(|call| call.target.contains("$filter"))
        );
    }

    #[tokio::test]
    async fn second_read_of_a_name_and_reads_after_the_age_ask_again() {
        let server = service(10).await;
        let test = server.client();
        let destinations = test.client.destinations().unwrap();
        for name in ["d1", "d2", "d3", "d4", "d5"] {
            etag(&destinations, &test.context, name).await.unwrap();
        }
        assert_eq!(server.calls().len(), 4);
        etag(&destinations, &test.context, "d5").await.unwrap();
        assert_eq!(server.calls().len(), 5);
        test.clock.advance(MAX_AGE + Duration::from_secs(1));
        etag(&destinations, &test.context, "d6").await.unwrap();
        assert_eq!(server.calls().len(), 6);
        assert!(!server.calls()[5].target.contains("$filter"));
    }

    #[tokio::test]
    async fn rest_of_a_list_is_dropped_when_no_read_comes_any_more() {
        let server = service(100).await;
        let test = server.client();
        let destinations = test.client.destinations().unwrap();
        for name in ["d1", "d2", "d3", "d4", "d5"] {
            etag(&destinations, &test.context, name).await.unwrap();
        }
        let reads = test.client.reads.of(LEVEL);
        let left = |state: &State| {
            let entries = state.list.iter().flat_map(|list| list.entries.values());
            entries.filter(|entry| entry.is_some()).count()
        };
        assert_eq!(left(&reads.lock()), 98);

        test.clock.advance(LINGERS / 2);
        etag(&destinations, &test.context, "d6").await.unwrap();
        let end = reads.drop_old(test.clock.now()).unwrap();
        assert_eq!(end, test.clock.now() + LINGERS);
        assert_eq!(left(&reads.lock()), 97);

        test.clock.advance(LINGERS);
        assert_eq!(reads.drop_old(test.clock.now()), None);
        assert!(reads.lock().list.is_none());
        // It is not the first of many any more, but one read is one request.
        let before = server.calls().len();
        etag(&destinations, &test.context, "d7").await.unwrap();
        assert_eq!(server.calls().len(), before + 1);
    }

    #[tokio::test]
    async fn list_shows_nothing_of_what_it_holds() {
        let server = Server::handler(|request| {
            if request.is_token() {
                return token_answer(1);
            }
            answer(200, r#"[{"Name": "d1", "Password": "s3cr3t"}]"#)
        })
        .await;
        let test = server.client();
        let destinations = test.client.destinations().unwrap();
        for _ in 0..3 {
            etag(&destinations, &test.context, "d1").await;
        }
        let found = destinations.find(&test.context, LEVEL, "d2").await.unwrap();
        assert_eq!(found, None);
        assert!(test.client.reads.of(LEVEL).lock().list.is_some());
        let shown = format!("{:?}", test.client);
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }

    #[tokio::test]
    async fn every_read_after_a_write_goes_to_sap() {
        let server = service(100).await;
        let test = server.client();
        let destinations = test.client.destinations().unwrap();
        for name in ["d1", "d2", "d3", "d4"] {
            etag(&destinations, &test.context, name).await.unwrap();
        }
        let change = Changes::from_iter([("x".to_owned(), None)]);
        destinations
            .patch(&test.context, LEVEL, "d9", None, &change)
            .await
            .unwrap();
        let before = server.calls().len();
        for number in 10..20 {
            etag(&destinations, &test.context, &format!("d{number}"))
                .await
                .unwrap();
        }
        let reads = &server.calls()[before..];
        assert_eq!(reads.len(), 10);
        assert!(reads.iter().all(|call| call.target.contains("$filter")));
    }

    #[tokio::test]
    async fn every_kind_of_write_ends_it() {
        let server = service(100).await;
        for kind in 0..4 {
            let test = server.client();
            let destinations = test.client.destinations().unwrap();
            let context = &test.context;
            let _ = match kind {
                0 => destinations
                    .create(context, LEVEL, &Properties::default())
                    .await
                    .map(drop),
                1 => {
                    let change = Changes::from_iter([("x".to_owned(), None)]);
                    destinations.patch(context, LEVEL, "a", None, &change).await
                }
                2 => destinations.delete(context, LEVEL, "a").await.map(drop),
                _ => {
                    destinations
                        .set_labels(context, LEVEL, "a", &crate::Labels::new())
                        .await
                }
            };
            for level in [Level::Subaccount, Level::Instance] {
                assert!(test.client.reads.of(level).lock().over);
            }
        }
    }

    #[tokio::test]
    async fn list_that_fails_leaves_single_reads() {
        let server = Server::handler(|request| {
            if request.is_token() || request.target.contains("$filter") {
                return reply(request, 100);
            }
            answer(403, "no lists for you")
        })
        .await;
        let test = server.client();
        let destinations = test.client.destinations().unwrap();
        for number in 0..20 {
            etag(&destinations, &test.context, &format!("d{number}"))
                .await
                .unwrap();
        }
        assert_eq!(server.calls().len(), 21);
    }

    #[tokio::test]
    async fn cancelled_reader_leaves_the_list_to_the_others() {
        let mut lists = 0;
        let server = Server::handler(move |request| {
            if request.is_token() || request.target.contains("$filter") {
                return reply(request, 100);
            }
            lists += 1;
            if lists == 1 {
                Reply::Hang
            } else {
                reply(request, 100)
            }
        })
        .await;
        let test = server.client();
        let destinations = test.client.destinations().unwrap();
        for name in ["d1", "d2", "d3"] {
            etag(&destinations, &test.context, name).await.unwrap();
        }
        let cancelled = test.clock.context(Duration::from_mins(1));
        let first = destinations.find(&cancelled, LEVEL, "d4");
        let second = destinations.find(&test.context, LEVEL, "d5");
        let cancelling = async {
            while server.calls().len() < 4 {
                tokio::task::yield_now().await;
            }
            cancelled.cancel.cancel();
        };
        let (first, second, ()) = tokio::join!(first, second, cancelling);
        assert!(first.unwrap_err().is_cancelled());
        assert_eq!(second.unwrap().unwrap().name(), "d5");
    }
}
