//! Many reads of a process that only reads, answered from one list.
//!
//! `terraform plan` reads every destination on its own: a thousand of them are
//! a thousand requests. After a few single reads on a level the whole level is
//! therefore listed once, and reads that come soon after are answered from the
//! list. Each entry is handed out once and the rest is dropped with its age, as
//! the list brings secrets of destinations nobody asked for.
//!
//! The first write of the process ends this for good: from then on every read
//! goes to SAP, so that what is read back after a write is never old.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::destination::{Destination, Level};

/// Single reads before a list is worth its size.
const SINGLE_READS: u32 = 3;

/// How old a list may be when it answers a read.
const MAX_AGE: Duration = Duration::from_secs(30);

/// What has been read so far, per level.
#[derive(Debug, Default)]
pub(crate) struct ManyReads {
    subaccount: LevelReads,
    instance: LevelReads,
}

/// The reads of one level.
#[derive(Debug, Default)]
pub(crate) struct LevelReads {
    state: Mutex<State>,
    /// Held by whoever lists, so that the others wait for the list.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    over: bool,
    singles: u32,
    list: Option<List>,
}

#[derive(Debug)]
struct List {
    asked: Instant,
    /// `None` has been handed out.
    entries: HashMap<String, Option<Destination>>,
}

/// Where the answer to a read comes from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// From the list.
    Listed(Option<Destination>),
    /// Ask SAP for this one.
    BySingleRead,
    /// Take the turn, look again, and list the level.
    ByNewList,
}

impl ManyReads {
    pub(crate) fn of(&self, level: Level) -> &LevelReads {
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
        let age = |list: &List| now.saturating_duration_since(list.asked);
        if state.list.as_ref().is_some_and(|list| age(list) > MAX_AGE) {
            state.list = None;
        }
        if let Some(list) = &mut state.list {
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

    /// Keeps a list of the whole level that was asked for at `asked`.
    pub(crate) fn keep(&self, all: Vec<Destination>, asked: Instant) {
        let mut state = self.lock();
        if state.over {
            return;
        }
        let entries = all
            .into_iter()
            .map(|one| (one.name().to_owned(), Some(one)))
            .collect();
        state.list = Some(List { asked, entries });
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

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use serde_json::json;

    use super::*;
    use crate::client::testing::{Received, Reply, Server, answer, token_answer};
    use crate::client::{Changes, Context, Destinations, Properties};

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
    async fn every_read_after_a_write_goes_to_sap() {
        let server = service(100).await;
        let test = server.client();
        let destinations = test.client.destinations().unwrap();
        for name in ["d1", "d2", "d3", "d4"] {
            etag(&destinations, &test.context, name).await.unwrap();
        }
        let change = Changes([("x".to_owned(), None)].into());
        destinations
            .patch(&test.context, LEVEL, "d9", &change)
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
                    let change = Changes([("x".to_owned(), None)].into());
                    destinations.patch(context, LEVEL, "a", &change).await
                }
                2 => destinations.delete(context, LEVEL, "a").await.map(drop),
                _ => {
                    destinations
                        .set_labels(context, LEVEL, "a", &crate::client::Labels::new())
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
