//! Giving up a load.

use napi_derive::napi;
use shoal_fabric::AbortFlag;

/// What JavaScript raises to stop a load that is under way.
#[napi]
#[derive(Default)]
pub struct LoadAbort {
    flag: AbortFlag,
}

impl LoadAbort {
    /// The flag that the load looks at.
    pub fn flag(&self) -> AbortFlag {
        self.flag.clone()
    }
}

#[napi]
impl LoadAbort {
    /// A flag that is not raised.
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops the load; it rejects with `ABORTED`.
    #[napi]
    pub fn abort(&self) {
        self.flag.raise();
    }
}
