//! `cdr export`: the records of some days, to a file or the standard output.

use super::args::{Cdr, Cli, ExportFormat};
use super::output::{Console, Exit};
use crate::config::{Tongue, load};
use hotline_store::{Day, Format, Store, export};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Carries out `cdr`.
pub(crate) fn run(cli: &Cli, cdr: &Cdr, console: &mut Console) -> Exit {
    let Cdr::Export {
        from,
        to,
        format,
        output,
    } = cdr;
    let (Some(first), Some(last)) = (
        day(from.as_deref(), console),
        day(to.as_deref().or(from.as_deref()), console),
    ) else {
        return Exit::Usage;
    };
    if last < first {
        let text = console
            .pick(
                "ngày cuối ở trước ngày đầu",
                "the last day is before the first",
            )
            .to_owned();
        console.tell(&text);
        return Exit::Usage;
    }
    let loaded = match load(&cli.config, &super::options(cli, Vec::new(), true)) {
        Ok(loaded) => loaded,
        Err(faults) => {
            console.faults(&faults);
            return Exit::Usage;
        }
    };
    let format = match format {
        ExportFormat::Csv => Format::Csv,
        ExportFormat::Ndjson => Format::Ndjson,
    };
    let database = &loaded.server.database;
    if !database.exists() {
        let text = console.pick("chưa có cơ sở dữ liệu", "there is no database yet");
        let text = format!("{text}: {}", database.display());
        console.tell(&text);
        return Exit::Error;
    }
    match write(database, first, last.next(), format, output, console) {
        Ok(count) => {
            let text = match console.tongue {
                Tongue::English => format!("{count} calls"),
                Tongue::Vietnamese => format!("{count} cuộc gọi"),
            };
            console.tell(&text);
            Exit::Ok
        }
        Err(error) => console.fail(error.as_ref()),
    }
}

/// A day as written; today when none is.
fn day(text: Option<&str>, console: &mut Console) -> Option<Day> {
    let Some(text) = text else {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        return Some(Day::of(
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        ));
    };
    match text.parse() {
        Ok(day) => Some(day),
        Err(_) => {
            let hint = console.pick(
                "không phải ngày; hãy viết NĂM-THÁNG-NGÀY",
                "is no day; write YYYY-MM-DD",
            );
            let text = format!("'{text}' {hint}");
            console.tell(&text);
            None
        }
    }
}

fn write(
    database: &Path,
    from: Day,
    to: Day,
    format: Format,
    output: &Path,
    console: &mut Console,
) -> Result<u64, Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let to_stdout = output == Path::new("-");
    let mut partial = Partial::open(output, to_stdout)?;
    let count = runtime.block_on(async {
        let store = Store::open(database).await?;
        let out: &mut (dyn Write + Send) = match &mut partial.file {
            Some(file) => file,
            None => &mut partial.stdout,
        };
        let count = export(&store, from, to, format, out).await?;
        store.close().await;
        Ok::<u64, Box<dyn std::error::Error>>(count)
    })?;
    // What was printed before must not come after what goes to the same terminal.
    console.writer().flush()?;
    partial.finish(output)?;
    Ok(count)
}

/// A file that gets its name only when it is whole.
struct Partial {
    file: Option<BufWriter<File>>,
    stdout: io::Stdout,
    path: PathBuf,
}

impl Partial {
    fn open(output: &Path, to_stdout: bool) -> io::Result<Self> {
        let mut name = output.as_os_str().to_owned();
        name.push(".partial");
        let path = PathBuf::from(name);
        let file = if to_stdout {
            None
        } else {
            // Callers' numbers are in it.
            let options = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&path)?;
            Some(BufWriter::new(options))
        };
        Ok(Self {
            file,
            stdout: io::stdout(),
            path,
        })
    }

    fn finish(self, output: &Path) -> io::Result<()> {
        let Some(file) = self.file else { return Ok(()) };
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        fs::rename(&self.path, output)
    }
}
