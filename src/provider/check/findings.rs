//! What was found out about SAP, as plain data.

use serde::{Deserialize, Serialize};

use super::row::{Row, Verdict};

/// What was found out.
#[derive(Debug, Clone)]
pub(crate) struct Findings {
    /// Every topic once, in the order of [`super::topics`].
    pub(crate) rows: Vec<Row>,
    /// What can be asserted on.
    pub(crate) facts: Facts,
}

/// What the services say about whom they act for, by the names of the data source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// The subaccount of the Destination service key.
    pub(crate) subaccount_id: Option<String>,
    /// The tenant of the Order Management service key.
    pub(crate) tenant_id: Option<String>,
    /// The id of the tenant in Cloud ALM's landscape.
    pub(crate) lms_id: Option<String>,
    /// The environment in that id.
    pub(crate) environment: Option<String>,
}

impl Findings {
    /// The worst verdict.
    pub(crate) fn verdict(&self) -> Verdict {
        let verdicts = self.rows.iter().map(|row| row.verdict);
        verdicts.max().unwrap_or(Verdict::NotTried)
    }

    /// The rows of a verdict.
    pub(crate) fn with(&self, verdict: Verdict) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.verdict == verdict)
    }
}
