use crate::{VaultError, key::Key, x};
use model::Random;
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};
use zeroize::Zeroizing;

/// A key file is 45 bytes long; anything much longer is something else.
const MOST: u64 = 1024;

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> VaultError {
    let path = path.to_owned();
    move |source| VaultError::File { path, source }
}

/// The key in a file that its owner alone can read; `None` when there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<Key>, VaultError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(io_error(path)(e)),
    };
    // The open file is asked, not the path, which could lead elsewhere by now.
    x::check_private(&file, path)?;
    let mut text = Zeroizing::new(String::with_capacity(64));
    file.take(MOST).read_to_string(&mut text).map_err(io_error(path))?;
    Key::from_text(&text).map(Some).ok_or_else(|| VaultError::FileForm { path: path.to_owned() })
}

/// Make the file with a fresh key in it. Never overwrites: when somebody was quicker, theirs is read.
pub(crate) fn make(path: &Path, random: &dyn Random) -> Result<Key, VaultError> {
    let key = Key::fresh(random);
    let mut options = File::options();
    options.write(true).create_new(true);
    x::private(&mut options);
    let mut file = match options.open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            return read(path)?.ok_or(VaultError::KeyMissing { kept: "file" });
        }
        Err(e) => return Err(io_error(path)(e)),
    };
    let text = Zeroizing::new(format!("{}\n", key.to_text().expose()));
    if let Err(e) = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()) {
        // Half a key would look like a damaged one for ever.
        let _ = fs::remove_file(path);
        return Err(io_error(path)(e));
    }
    Ok(key)
}
