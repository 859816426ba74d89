//! Panics as log lines: where, and in which trace. What a panic says may hold what somebody sent us, so it is not told.

use std::panic::{self, PanicHookInfo};

/// Has every panic of the process logged from now on, instead of printed.
pub(super) fn log() {
    panic::set_hook(Box::new(tell));
}

fn tell(panic: &PanicHookInfo<'_>) {
    let at = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or_default();
    tracing::error!(at, thread, "panicked");
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use opentelemetry::trace::TracerProvider;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use serde_json::Value;
    use tracing_subscriber::fmt::format::JsonFields;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::process::log_format::JsonLines;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_is_a_log_line_with_its_place_and_trace_and_without_its_text() {
        let buffer = Buffer::default();
        let sink = buffer.clone();
        let logs = tracing_subscriber::fmt::layer()
            .fmt_fields(JsonFields::new())
            .event_format(JsonLines)
            .with_writer(move || sink.clone());
        let tracer = SdkTracerProvider::builder().build().tracer("test");
        let subscriber = tracing_subscriber::registry()
            .with(tracing_opentelemetry::layer().with_tracer(tracer))
            .with(logs);
        // The hook is the process's: other tests keep theirs but for this moment.
        let before = panic::take_hook();
        let traceparent = tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("call");
            let traceparent = crate::process::trace::inject(&span).unwrap();
            log();
            let panicked = span.in_scope(|| panic::catch_unwind(|| panic!("ana@leads.example")));
            assert!(panicked.is_err());
            traceparent
        });
        panic::set_hook(before);
        let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
        let line: Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(line["level"], "ERROR");
        assert!(line["at"].as_str().unwrap().contains("panics.rs:"), "{line}");
        assert_eq!(line["trace_id"], traceparent.split('-').nth(1).unwrap());
        assert!(!text.contains("ana@"), "{text}");
    }
}
