use crate::peer::{Served, http};
use reqwest::StatusCode;
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

fn start(args: &[&str]) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bellhop-playground"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    (child, ready["url"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_program_says_its_address_answers_there_and_ends_with_its_parent() {
    let (mut child, url) = start(&[]);
    let response = http().post(&url).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[tokio::test]
async fn a_restart_keeps_address_sign_ins_and_notes_in_a_file_for_the_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new").join("playground.json");
    let first = Served::with(Some(file.clone())).await;
    let origin = first.origin.clone();
    let signed_in = first.sign_in().await;
    first.end().await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(!kept.contains(signed_in.refresh()), "only its hash is kept");

    let second = Served::with(Some(file)).await;
    assert_eq!(second.origin, origin);
    assert!(second.admits(signed_in.access()).await);
    assert_eq!(second.renew(&signed_in.client, signed_in.refresh()).await.status(), StatusCode::OK);
    second.end().await;
}

#[test]
fn a_port_in_use_and_a_foreign_file_are_said_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("else.txt");
    std::fs::write(&file, "something else").unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for args in [["--port", &port], ["--state", file.to_str().unwrap()]] {
        let out = Command::new(env!("CARGO_BIN_EXE_bellhop-playground")).args(args).output().unwrap();
        assert_eq!(out.status.code(), Some(1));
        assert!(out.stdout.is_empty());
        assert!(String::from_utf8(out.stderr).unwrap().starts_with("error: "));
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "something else");
}
