//! Against a keyring daemon of the test's own, on a bus of its own. Each test here starts the test of the same
//! name in `inside`, as a child under `dbus-run-session`.

use std::process::{Command, Stdio};

/// How a session's keyring is when the child starts.
enum Keyring {
    /// There, and unlocked.
    Unlocked,
    /// The daemon runs, and no keyring was ever made.
    NeverMade,
    /// No bus at all.
    NoBus,
}

fn there(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

fn run(name: &str, keyring: &Keyring) {
    if !there("dbus-run-session") || !there("gnome-keyring-daemon") {
        assert!(
            std::env::var_os("BELLHOP_TESTS_REQUIRE").is_none_or(|v| v != "1"),
            "dbus-run-session and gnome-keyring-daemon are required"
        );
        eprintln!("skipped: dbus-run-session or gnome-keyring-daemon is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let test = format!("exec \"$0\" --exact keyring::inside::{name} --ignored --nocapture");
    let script = match keyring {
        Keyring::Unlocked => {
            format!("printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null; {test}")
        }
        Keyring::NeverMade => format!("gnome-keyring-daemon --start --components=secrets >/dev/null; {test}"),
        Keyring::NoBus => test,
    };
    let mut command = match keyring {
        Keyring::NoBus => Command::new("bash"),
        _ => {
            let mut command = Command::new("dbus-run-session");
            command.args(["--", "bash"]);
            command
        }
    };
    let output = command
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", folder.path())
        .env("XDG_RUNTIME_DIR", folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_key_is_kept_found_again_and_two_homes_have_one_each() {
    run("a_key_is_kept_found_again_and_two_homes_have_one_each", &Keyring::Unlocked);
}

#[test]
fn a_key_that_was_removed_is_missing_and_is_not_made_anew() {
    run("a_key_that_was_removed_is_missing_and_is_not_made_anew", &Keyring::Unlocked);
}

#[test]
fn a_locked_keyring_is_said_to_be_locked_and_nobody_is_asked() {
    run("a_locked_keyring_is_said_to_be_locked_and_nobody_is_asked", &Keyring::Unlocked);
}

#[test]
fn a_daemon_without_a_keyring_is_no_keychain() {
    run("a_daemon_without_a_keyring_is_no_keychain", &Keyring::NeverMade);
}

#[test]
fn a_computer_without_a_bus_has_no_keychain() {
    run("a_computer_without_a_bus_has_no_keychain", &Keyring::NoBus);
}

/// What runs inside the session.
mod inside {
    use bellhop_vault::{KeySource, Keychain, SystemKeychain, Vault, VaultError};
    use model::{Secret, SystemRandom};
    use secret_service::{EncryptionType, blocking::SecretService};
    use std::sync::Arc;

    fn system() -> KeySource {
        KeySource::Keychain(Arc::new(SystemKeychain::new(false)))
    }

    #[tokio::test]
    #[ignore = "runs in a session of its own"]
    async fn a_key_is_kept_found_again_and_two_homes_have_one_each() {
        let (one, first) = Vault::create(&system(), &SystemRandom).await.unwrap();
        let (two, second) = Vault::create(&system(), &SystemRandom).await.unwrap();
        let mac = |vault: &Vault| vault.subkey("x").mac(&[b"a"]);
        assert_ne!(mac(&one), mac(&two));
        assert_eq!(mac(&Vault::open(&system(), &first).await.unwrap()), mac(&one));
        assert_eq!(mac(&Vault::open(&system(), &second).await.unwrap()), mac(&two));
    }

    #[tokio::test]
    #[ignore = "runs in a session of its own"]
    async fn a_key_that_was_removed_is_missing_and_is_not_made_anew() {
        let (_, record) = Vault::create(&system(), &SystemRandom).await.unwrap();
        let keychain = SystemKeychain::new(false);
        let item = format!("bellhop {}", record.id);
        keychain.delete(&item).await.unwrap();
        keychain.delete(&item).await.unwrap();
        let error = Vault::open(&system(), &record).await.unwrap_err();
        assert!(matches!(error, VaultError::KeyMissing { kept: "keychain" }), "{error}");
        assert!(keychain.get(&item).await.unwrap().is_none());

        keychain.set(&item, &Secret::new("AAAA")).await.unwrap();
        let error = Vault::open(&system(), &record).await.unwrap_err();
        assert!(matches!(error, VaultError::KeyMismatch { kept: "keychain" }), "{error}");
    }

    /// Not within a runtime: the blocking calls of the bus have an executor of their own.
    fn lock() {
        let bus = SecretService::connect(EncryptionType::Plain).unwrap();
        bus.get_default_collection().unwrap().lock().unwrap();
    }

    #[tokio::test]
    #[ignore = "runs in a session of its own"]
    async fn a_locked_keyring_is_said_to_be_locked_and_nobody_is_asked() {
        let (_, record) = Vault::create(&system(), &SystemRandom).await.unwrap();
        std::thread::spawn(lock).join().unwrap();
        let keychain = SystemKeychain::new(false);
        for error in [
            Vault::open(&system(), &record).await.unwrap_err(),
            Vault::create(&system(), &SystemRandom).await.unwrap_err(),
            keychain.probe().await.unwrap_err(),
            keychain.delete(&format!("bellhop {}", record.id)).await.unwrap_err(),
        ] {
            assert!(matches!(error, VaultError::Locked), "{error}");
        }
    }

    #[tokio::test]
    #[ignore = "runs in a session of its own"]
    async fn a_daemon_without_a_keyring_is_no_keychain() {
        let error = SystemKeychain::new(false).probe().await.unwrap_err();
        assert!(matches!(error, VaultError::NoKeychain(_)), "{error}");
        let error = Vault::create(&system(), &SystemRandom).await.unwrap_err();
        assert!(matches!(error, VaultError::NoKeychain(_)), "{error}");
    }

    #[tokio::test]
    #[ignore = "runs in a session of its own"]
    async fn a_computer_without_a_bus_has_no_keychain() {
        let error = Vault::create(&system(), &SystemRandom).await.unwrap_err();
        assert!(matches!(error, VaultError::NoKeychain(_)), "{error}");
    }
}
