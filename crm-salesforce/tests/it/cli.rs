//! The program itself, as far as it goes without anybody to talk to.

use std::process::{Command, Output};

fn check_config(variables: &[(&str, &str)]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_crm-salesforce"));
    program
        .arg("check-config")
        .env_clear()
        .envs(variables.iter().copied());
    program.output().unwrap()
}

#[test]
fn check_config_prints_what_holds_and_hides_the_credential() {
    let output = check_config(&[
        ("CRM_SALESFORCE__LEADS__CREDENTIAL", "ck_very_secret"),
        ("CRM_SALESFORCE__VENDOR__TIMEOUT_MS", "4321"),
    ]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(
        text.contains("timeout_ms = 4321") && text.contains("salesforce.mil"),
        "{text}"
    );
    assert!(!text.contains("very_secret"), "{text}");
}

#[test]
fn check_config_names_every_problem_at_once() {
    let output = check_config(&[
        ("CRM_SALESFORCE__VENDOR__API_VERSION", "newest"),
        ("CRM_SALESFORCE__VENDOR__COLOUR", "red"),
    ]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    for key in ["leads.credential", "vendor.api_version", "vendor.colour"] {
        assert!(text.contains(key), "{key}: {text}");
    }
}
