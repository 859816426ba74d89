//! W3C trace context as text, for what crosses a stream, a row or an HTTP call.

use std::collections::HashMap;

use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

const TRACEPARENT: &str = "traceparent";

/// The `traceparent` of the current span, if it belongs to a trace.
pub fn inject_current() -> Option<String> {
    inject(&Span::current())
}

/// The `traceparent` of a span, if it belongs to a trace.
pub fn inject(span: &Span) -> Option<String> {
    let mut carrier = HashMap::with_capacity(2);
    TraceContextPropagator::new().inject_context(&span.context(), &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// Makes a span continue the trace of `traceparent`. Call it before the span is entered; garbage is ignored.
pub fn set_parent_from(span: &Span, traceparent: &str) {
    if let Some(parent) = parse(traceparent) {
        // Fails only without a tracing layer, in tests.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
}

/// Links a span to the one of `traceparent`; garbage is ignored.
pub fn add_link(span: &Span, traceparent: &str) {
    if let Some(context) = parse(traceparent) {
        span.add_link(context);
    }
}

fn parse(traceparent: &str) -> Option<SpanContext> {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
    let span = context.span().span_context().clone();
    span.is_valid().then_some(span)
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_span_continues_the_trace_that_it_was_given() {
        let tracer = SdkTracerProvider::builder().build().tracer("test");
        let subscriber =
            tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(tracer));
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("consume");
            set_parent_from(&span, PARENT);
            let inner = span.in_scope(|| tracing::info_span!("call"));
            let child = inject(&inner).unwrap();
            assert_eq!(child.split('-').nth(1), PARENT.split('-').nth(1));
            assert_ne!(child.split('-').nth(2), PARENT.split('-').nth(2));

            let stray = tracing::info_span!("consume");
            set_parent_from(&stray, "00-zz-garbage");
            assert!(!inject(&stray).unwrap().contains("zz"));
        });
    }

    #[test]
    fn without_a_trace_there_is_nothing_to_send() {
        assert_eq!(inject_current(), None);
    }
}
