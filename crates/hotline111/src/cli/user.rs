//! `user`: accounts, by way of the server while it runs, else straight in the database under the lock.

use super::args::{Cli, Role, User, UserAdd};
use super::control::{AccountLine, ControlError, ControlReply, ControlRequest, ask};
use super::ctl;
use super::output::{Console, Exit};
use super::password;
use crate::config::{Loaded, is_name, load, skill};
use crate::shell::lock::StateLock;
use hotline_core::WrapUp;
use hotline_store::{Account, Ha1, Store, StoreError, ha1};
use std::io;

/// A password shorter than this can be guessed.
const PASSWORD_CHARS_MIN: usize = 8;

/// Carries out `user`.
pub(crate) fn run(cli: &Cli, user: &User, console: &mut Console) -> Exit {
    let loaded = match load(&cli.config, &super::options(cli, Vec::new(), true)) {
        Ok(loaded) => loaded,
        Err(faults) => {
            console.faults(&faults);
            return Exit::Usage;
        }
    };
    let Some(request) = request(user, &loaded, console) else {
        return Exit::Usage;
    };
    let is_json = matches!(
        user,
        User::List { json: true } | User::Ticket { json: true, .. }
    );
    let reply = match ask(&loaded.server.control_socket, &request) {
        // Only the server that made a ticket takes it.
        Err(error @ ControlError::NotRunning { .. }) if matches!(user, User::Ticket { .. }) => {
            return ctl::fail(&error, console);
        }
        Err(ControlError::NotRunning { .. }) => match offline(&loaded, request) {
            Ok(reply) => reply,
            Err(error) => return console.fail(&error),
        },
        Err(error) => return ctl::fail(&error, console),
        Ok(reply) => reply,
    };
    ctl::print(&reply, is_json, console)
}

fn request(user: &User, loaded: &Loaded, console: &mut Console) -> Option<ControlRequest> {
    match user {
        User::Add(add) => {
            let hashes = hashes(&add.user, add.password_stdin, loaded, console)?;
            Some(ControlRequest::UserAdd {
                account: account(add, loaded, hashes, console)?,
            })
        }
        User::List { .. } => Some(ControlRequest::Users),
        User::Passwd {
            user,
            password_stdin,
        } => {
            let hashes = hashes(user, *password_stdin, loaded, console)?;
            let user = user.clone();
            Some(ControlRequest::UserPassword {
                user,
                ha1_sha256: hashes.sha256,
                ha1_md5: hashes.md5,
            })
        }
        User::Ticket { user, valid, .. } => Some(ControlRequest::UserTicket {
            user: user.clone(),
            valid_ms: *valid,
        }),
        User::Remove { user, yes } => {
            let is_agreed =
                *yes || ctl::is_agreed(console, "Xóa tài khoản này?", "Remove this account?");
            is_agreed.then(|| ControlRequest::UserRemove { user: user.clone() })
        }
    }
}

fn account(
    add: &UserAdd,
    loaded: &Loaded,
    hashes: Ha1,
    console: &mut Console,
) -> Option<AccountLine> {
    let known = |code: &String| {
        loaded
            .plan
            .languages
            .iter()
            .any(|language| skill::split(code).is_some_and(|(code, _)| code == language.code))
    };
    let taken = |name: &String| {
        loaded
            .plan
            .services
            .iter()
            .any(|service| skill::split(name).is_some_and(|(name, _)| name == service.name))
    };
    let stranger = add
        .languages
        .iter()
        .find(|code| !known(code))
        .or(add.services.iter().find(|name| !taken(name)));
    if let Some(stranger) = stranger {
        let text = console.pick("không có trong cấu hình", "is not in the configuration");
        let text = format!("`{stranger}` {text}");
        console.tell(&text);
        return None;
    }
    if !is_name(&add.user) {
        let text = console.pick(
            "tên tài khoản chỉ gồm a-z, 0-9, dấu _ - . và không quá 32 ký tự",
            "an account's name has a-z, 0-9, _ - . and at most 32 characters",
        );
        let text = text.to_owned();
        console.tell(&text);
        return None;
    }
    let role = match add.role {
        Role::Admin => hotline_store::Role::Admin,
        Role::Counsellor => hotline_store::Role::Counsellor,
        Role::Device => hotline_store::Role::Device,
        Role::Supervisor => hotline_store::Role::Supervisor,
    };
    let wrap_up = add.wrap_up.or_else(|| wrap_up_s(loaded.wrap_up));
    Some(AccountLine {
        user: add.user.clone(),
        name: add.name.clone().unwrap_or_else(|| add.user.clone()),
        role: role.code().to_owned(),
        languages: add.languages.clone(),
        services: if add.services.is_empty() {
            loaded
                .plan
                .services
                .iter()
                .map(|service| service.name.clone())
                .collect()
        } else {
            add.services.clone()
        },
        centre: add
            .centre
            .clone()
            .unwrap_or_else(|| loaded.home_centre.clone()),
        wrap_up_s: wrap_up.unwrap_or(0),
        is_wrap_up_until_done: wrap_up.is_none(),
        hard_calls_max: add.hard_calls_max,
        is_in_training: add.training,
        is_reserve: add.reserve,
        is_signed_in_by_registration: true,
        ha1_sha256: hashes.sha256,
        ha1_md5: hashes.md5,
    })
}

/// Asks for the password and keeps only its hashes.
fn hashes(user: &str, from_stdin: bool, loaded: &Loaded, console: &mut Console) -> Option<Ha1> {
    let password = match password::read(from_stdin, console) {
        Ok(password) => password,
        Err(error) => {
            console.fail(&error);
            return None;
        }
    };
    if password.is_empty() {
        let text = console
            .pick("mật khẩu trống", "the password is empty")
            .to_owned();
        console.tell(&text);
        return None;
    }
    if password.chars().count() < PASSWORD_CHARS_MIN {
        let text = console.pick(
            "cảnh báo: mật khẩu ngắn dễ bị đoán",
            "warning: a short password is easily guessed",
        );
        let text = text.to_owned();
        console.tell(&text);
    }
    Some(ha1(user, &loaded.sip.realm, &password))
}

/// Why the database could not be used without a server.
#[derive(Debug, thiserror::Error)]
enum OfflineError {
    #[error("taking the lock of the state folder")]
    Lock(#[source] io::Error),
    #[error("making the state folder")]
    Folder(#[source] io::Error),
    #[error("starting")]
    Runtime(#[source] io::Error),
    #[error("the database")]
    Store(#[source] StoreError),
}

/// Does what the server would do, while none runs.
fn offline(loaded: &Loaded, request: ControlRequest) -> Result<ControlReply, OfflineError> {
    std::fs::create_dir_all(&loaded.server.state_dir).map_err(OfflineError::Folder)?;
    let _lock = StateLock::take(&loaded.server.state_dir).map_err(OfflineError::Lock)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(OfflineError::Runtime)?;
    runtime.block_on(async {
        let store = Store::open(&loaded.server.database)
            .await
            .map_err(OfflineError::Store)?;
        store
            .fix_realm(&loaded.sip.realm)
            .await
            .map_err(OfflineError::Store)?;
        let reply = accounts(&store, request).await;
        store.close().await;
        Ok(reply)
    })
}

/// Carries out a request that concerns accounts. The server uses it too.
pub(crate) async fn accounts(store: &Store, request: ControlRequest) -> ControlReply {
    let done = match request {
        ControlRequest::UserAdd { account } => match row_of(account) {
            Some(account) => store.add_account(&account).await,
            None => return ControlReply::Refused("no such role".to_owned()),
        },
        ControlRequest::UserPassword {
            user,
            ha1_sha256,
            ha1_md5,
        } => {
            store
                .set_password(
                    &user,
                    &Ha1 {
                        sha256: ha1_sha256,
                        md5: ha1_md5,
                    },
                )
                .await
        }
        ControlRequest::UserRemove { user } => store.delete_account(&user).await,
        ControlRequest::Users => {
            return match store.accounts().await {
                Ok(accounts) => ControlReply::Users(accounts.iter().map(line_of).collect()),
                Err(error) => ControlReply::Failed(chain(&error)),
            };
        }
        ControlRequest::Agent { .. }
        | ControlRequest::Agents
        | ControlRequest::Ban { .. }
        | ControlRequest::Bans
        | ControlRequest::Calls
        | ControlRequest::Drain
        | ControlRequest::HangUp { .. }
        | ControlRequest::Queues
        | ControlRequest::Regs
        | ControlRequest::Status
        | ControlRequest::Trace { .. }
        | ControlRequest::Trunks
        | ControlRequest::UserTicket { .. } => {
            return ControlReply::Refused("no request about accounts".to_owned());
        }
    };
    match done {
        Ok(()) => ControlReply::Done,
        Err(error @ (StoreError::AccountExists { .. } | StoreError::AccountUnknown { .. })) => {
            ControlReply::Refused(error.to_string())
        }
        Err(error) => ControlReply::Failed(chain(&error)),
    }
}

/// Takes the accounts of the files into the database that does not have them yet; how many were new. An account
/// without a password in the files is left to `user add`.
pub(crate) async fn import_seeds(store: &Store, loaded: &Loaded) -> Result<usize, StoreError> {
    store.fix_realm(&loaded.sip.realm).await?;
    let known = store.accounts().await?;
    let mut count = 0;
    for seed in &loaded.seeds {
        let Some(password) = &seed.password else {
            continue;
        };
        if known.iter().any(|account| account.user == seed.user) {
            continue;
        }
        let agent = loaded
            .plan
            .agents
            .iter()
            .find(|agent| agent.user == seed.user && seed.is_counsellor);
        let plan = &loaded.plan;
        let languages = agent.into_iter().flat_map(|agent| &agent.languages);
        let languages = languages.filter_map(|(id, level)| {
            let language = plan.languages.get(usize::from(id.0))?;
            Some(skill::join(&language.code, *level))
        });
        let services = agent.into_iter().flat_map(|agent| &agent.services);
        let services = services.filter_map(|(id, level)| {
            let service = plan.services.get(usize::from(id.0))?;
            Some(skill::join(&service.name, *level))
        });
        let centre = agent.and_then(|agent| plan.centres.get(usize::from(agent.centre.0)));
        store
            .add_account(&Account {
                user: seed.user.clone(),
                name: seed.name.clone(),
                ha1: ha1(&seed.user, &loaded.sip.realm, password.expose()),
                languages: languages.collect(),
                services: services.collect(),
                centre: centre
                    .map_or_else(|| loaded.home_centre.clone(), |centre| centre.name.clone()),
                wrap_up_s: agent.map_or(Some(0), |agent| wrap_up_s(agent.wrap_up)),
                hard_calls_max: agent.and_then(|agent| agent.hard_calls_max),
                is_in_training: agent.is_some_and(|agent| agent.is_in_training),
                is_reserve: agent.is_some_and(|agent| agent.is_reserve),
                is_signed_in_by_registration: agent
                    .is_some_and(|agent| agent.is_signed_in_by_registration),
                role: if seed.is_counsellor {
                    hotline_store::Role::Counsellor
                } else {
                    hotline_store::Role::Device
                },
            })
            .await?;
        count += 1;
    }
    Ok(count)
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Whole seconds; None = until they say that it is done.
const fn wrap_up_s(wrap_up: WrapUp) -> Option<u32> {
    match wrap_up {
        WrapUp::None => Some(0),
        WrapUp::Timed(length_ms) => Some(length_ms / 1_000),
        WrapUp::UntilDone => None,
    }
}

fn row_of(line: AccountLine) -> Option<Account> {
    Some(Account {
        role: hotline_store::Role::from_code(&line.role)?,
        user: line.user,
        name: line.name,
        ha1: Ha1 {
            sha256: line.ha1_sha256,
            md5: line.ha1_md5,
        },
        languages: line.languages,
        services: line.services,
        centre: line.centre,
        wrap_up_s: (!line.is_wrap_up_until_done).then_some(line.wrap_up_s),
        hard_calls_max: line.hard_calls_max,
        is_in_training: line.is_in_training,
        is_reserve: line.is_reserve,
        is_signed_in_by_registration: line.is_signed_in_by_registration,
    })
}

fn line_of(account: &Account) -> AccountLine {
    AccountLine {
        user: account.user.clone(),
        name: account.name.clone(),
        role: account.role.code().to_owned(),
        languages: account.languages.clone(),
        services: account.services.clone(),
        centre: account.centre.clone(),
        wrap_up_s: account.wrap_up_s.unwrap_or(0),
        is_wrap_up_until_done: account.wrap_up_s.is_none(),
        hard_calls_max: account.hard_calls_max,
        is_in_training: account.is_in_training,
        is_reserve: account.is_reserve,
        is_signed_in_by_registration: account.is_signed_in_by_registration,
        ha1_sha256: String::new(),
        ha1_md5: String::new(),
    }
}
