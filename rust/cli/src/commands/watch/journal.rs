//! Records finished files in the folder itself.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use firn::{Context, Error, Result};

use super::folder::{Found, Identity};

/// The journal's name in the watched folder.
const JOURNAL: &str = ".firn-watch";

/// The identity and the content hash of a finished file.
struct Noted {
    identity: Identity,
    content_hash: String,
}

/// The finished files, and the file that lists them.
pub struct Journal {
    /// By [`Found::key`]; a line of an older version has only the key.
    done: HashMap<String, Option<Noted>>,
    file: File,
}

impl Journal {
    /// Opens the journal of a folder, or creates it.
    pub fn open(folder: &Path) -> Result<Self> {
        let shown = folder.display();
        let metadata = std::fs::metadata(folder).context(|| shown.to_string())?;
        if !metadata.is_dir() {
            return Err(Error::config(format!(
                "{shown} is not a folder: name one, or load files with `firn put`"
            )));
        }
        let path = folder.join(JOURNAL);
        let mut file = not_following_links(OpenOptions::new().read(true).append(true).create(true))
            .open(&path)
            .map_err(|error| cannot_write(&path, error))?;
        let mut text = String::new();
        file.read_to_string(&mut text)
            .context(|| path.display().to_string())?;
        // End a line that was cut by a crash, so that the next one is complete.
        if !text.is_empty() && !text.ends_with('\n') {
            file.write_all(b"\n")?;
        }
        Ok(Self {
            done: text.lines().map(parsed).collect(),
            file,
        })
    }

    /// Whether a file is finished, without reading it.
    pub fn has(&self, found: &Found) -> bool {
        match self.done.get(&found.key) {
            Some(Some(noted)) => noted.identity == found.identity,
            // The line of an older version has nothing else to compare.
            Some(None) => true,
            None => false,
        }
    }

    /// Whether a file's content is finished, although the file has been replaced or touched since.
    pub fn has_content(&mut self, found: &Found) -> bool {
        let Some(Some(noted)) = self.done.get_mut(&found.key) else {
            return false;
        };
        let is_same =
            firn::pipeline::content_hash(&found.path).is_ok_and(|hash| hash == noted.content_hash);
        if is_same {
            noted.identity = found.identity;
        }
        is_same
    }

    /// Records durably that a file is finished.
    pub fn note(&mut self, found: Found, content_hash: String) -> Result<()> {
        let Identity { inode, changed } = found.identity;
        let line = format!("{} {inode} {changed} {content_hash}\n", found.key);
        self.file.write_all(line.as_bytes())?;
        self.file.sync_data()?;
        let noted = Noted {
            identity: found.identity,
            content_hash,
        };
        self.done.insert(found.key, Some(noted));
        Ok(())
    }
}

/// Parses a line of the journal: the key, which ends with a quoted name, and the rest, if any.
fn parsed(line: &str) -> (String, Option<Noted>) {
    let end = line.rfind('"').map_or(line.len(), |at| at + 1);
    let (key, rest) = line.split_at(end);
    let mut words = rest.split_whitespace();
    let mut noted = || {
        Some(Noted {
            identity: Identity {
                inode: words.next()?.parse().ok()?,
                changed: words.next()?.parse().ok()?,
            },
            content_hash: words.next()?.to_owned(),
        })
    };
    (key.to_owned(), noted())
}

/// Others may write into the folder: a symbolic link with the journal's name must not be followed.
#[cfg(unix)]
fn not_following_links(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.custom_flags(libc::O_NOFOLLOW)
}

#[cfg(not(unix))]
fn not_following_links(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

fn cannot_write(path: &Path, error: std::io::Error) -> Error {
    let shown = path.display();
    let text = if path.is_symlink() {
        format!("{shown} is a symbolic link, which is not followed: remove it")
    } else {
        format!(
            "cannot write {shown}, where the files that are done are noted ({error}): make the folder writable"
        )
    };
    Error::config(text).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_round_trips_and_an_old_one_has_only_its_key() {
        let (key, noted) = parsed(r#"17 20 "a \"b\" c.csv" 5 -6 00ff"#);
        let noted = noted.unwrap();
        assert_eq!(key, r#"17 20 "a \"b\" c.csv""#);
        assert_eq!(
            (
                noted.identity.inode,
                noted.identity.changed,
                noted.content_hash.as_str()
            ),
            (5, -6, "00ff")
        );
        let (key, noted) = parsed(r#"17 20 "a.csv""#);
        assert_eq!((key.as_str(), noted.is_none()), (r#"17 20 "a.csv""#, true));
    }
}
