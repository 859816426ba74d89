//! All log lines of a test, whatever thread writes them.

use std::{
    io,
    sync::{Arc, Mutex},
};

use tokio::runtime::Builder;
use tracing_subscriber::{EnvFilter, fmt, fmt::MakeWriter};

/// Lines of the log.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Runs a future, and what it starts on two other threads; they log into `log` more than a process does by default.
pub fn run<T>(log: &Log, future: impl Future<Output = T>) -> T {
    let subscriber = fmt()
        .json()
        .with_env_filter(EnvFilter::new("info,leads_svc=trace,leads_runtime=trace"))
        .with_writer(log.clone())
        .finish();
    let dispatch = tracing::Dispatch::new(subscriber);
    let _here = tracing::dispatcher::set_default(&dispatch);
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .on_thread_start(move || {
            // Until the thread ends.
            std::mem::forget(tracing::dispatcher::set_default(&dispatch));
        })
        .build();
    runtime.unwrap().block_on(future)
}
