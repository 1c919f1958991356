//! Certificates of signalling: ours, those by which carriers prove themselves, and whom we believe. Read again at
//! SIGHUP; connections that stand keep what they began with.

use crate::config::{TlsSettings, TlsTrunk};
use hotline_sip::{CarrierHost, Proof};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// Certificates in force.
pub(crate) struct Tls {
    current: RwLock<Current>,
    trunks: Vec<TlsTrunk>,
}

#[derive(Clone, Default)]
struct Current {
    phones: Option<Arc<ServerConfig>>,
    browsers: Option<Arc<ServerConfig>>,
    client: Option<Arc<ClientConfig>>,
}

/// Why certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// A file is missing, or holds no PEM of the kind.
    #[error("reading {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// A file that holds nothing.
    #[error("no certificate in {}", path.display())]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// Key and certificate do not belong together, or are of a kind that nobody uses any more.
    #[error("certificate and key of [tls]")]
    Unusable(#[source] rustls::Error),
    /// The authorities of carriers.
    #[error("client_roots of [tls]")]
    ClientRoots(#[source] rustls::server::VerifierBuilderError),
}

impl Tls {
    /// Reads the files.
    pub(crate) fn load(settings: &TlsSettings) -> Result<Self, TlsError> {
        Ok(Self {
            current: RwLock::new(Current::load(settings)?),
            trunks: settings.trunks.clone(),
        })
    }

    /// Reads the files again; on a fault what was there stays.
    pub(crate) fn reload(&self, settings: &TlsSettings) -> Result<(), TlsError> {
        let fresh = Current::load(settings)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    fn current(&self) -> Current {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// For phones and carriers; None without certificates.
    pub(crate) fn phones(&self) -> Option<Arc<ServerConfig>> {
        self.current().phones
    }

    /// For browsers, which would ask their user about a client certificate: they are not asked for one.
    pub(crate) fn browsers(&self) -> Option<Arc<ServerConfig>> {
        self.current().browsers
    }

    /// For our own connections, and the name that the other's certificate must be good for: `certificate` of the
    /// trunk, else the host by which the configuration calls it (RFC 5922 §7.3), else the address itself.
    pub(crate) fn client(
        &self,
        peer: IpAddr,
        carrier: Option<&CarrierHost>,
    ) -> Option<(Arc<ClientConfig>, ServerName<'static>)> {
        let is_it = |trunk: &&TlsTrunk| match carrier {
            Some(carrier) => trunk.id == carrier.trunk,
            None => {
                let mut sources = trunk.sources.iter();
                sources.any(|source| source.to_canonical() == peer.to_canonical())
            }
        };
        let demanded = self.trunks.iter().find(is_it);
        let name = demanded
            .and_then(|trunk| trunk.certificate.clone())
            .or_else(|| carrier.map(|carrier| carrier.host.clone()))
            .and_then(|name| ServerName::try_from(name).ok())
            .unwrap_or(ServerName::IpAddress(peer.into()));
        self.current().client.map(|config| (config, name))
    }

    /// Which carrier a client certificate proves, its chain being verified.
    pub(crate) fn prove(&self, chain: Option<&[CertificateDer<'_>]>) -> Proof {
        let parsed = chain
            .and_then(|chain| chain.first())
            .and_then(|certificate| ParsedCertificate::try_from(certificate).ok());
        let Some(parsed) = parsed else {
            return Proof::None;
        };
        let is_good = |trunk: &&TlsTrunk| {
            let name = trunk.certificate.as_deref();
            name.and_then(|name| ServerName::try_from(name).ok())
                .is_some_and(|name| verify_server_name(&parsed, &name).is_ok())
        };
        self.trunks
            .iter()
            .find(is_good)
            .map_or(Proof::None, |trunk| Proof::Trunk(trunk.id))
    }
}

impl Current {
    fn load(settings: &TlsSettings) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let identity = match &settings.identity {
            None => None,
            Some((certificate, key)) => Some((certificates(certificate)?, private_key(key)?)),
        };
        let client = settings
            .roots
            .as_deref()
            .map(|path| client(&provider, path, identity.as_ref()))
            .transpose()?;
        let Some((chain, key)) = identity else {
            return Ok(Self {
                client,
                ..Self::default()
            });
        };
        let browsers = versions(&provider)?
            .with_no_client_auth()
            .with_single_cert(chain.clone(), key.clone_key())
            .map_err(TlsError::Unusable)?;
        let phones = match &settings.client_roots {
            None => browsers.clone(),
            Some(path) => {
                let roots = Arc::new(roots(path)?);
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
                        .allow_unauthenticated()
                        .build()
                        .map_err(TlsError::ClientRoots)?;
                versions(&provider)?
                    .with_client_cert_verifier(verifier)
                    .with_single_cert(chain, key)
                    .map_err(TlsError::Unusable)?
            }
        };
        let mut browsers = browsers;
        browsers.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            phones: Some(Arc::new(phones)),
            browsers: Some(Arc::new(browsers)),
            client,
        })
    }
}

type Builder = rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier>;

/// TLS 1.2 and 1.3: many desk phones know no more than 1.2.
fn versions(provider: &Arc<CryptoProvider>) -> Result<Builder, TlsError> {
    ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unusable)
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// A carrier that asks for a certificate gets ours: it may want to know us by it as we know it by its own.
fn client(
    provider: &Arc<CryptoProvider>,
    path: &Path,
    identity: Option<&Identity>,
) -> Result<Arc<ClientConfig>, TlsError> {
    let believing = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unusable)?
        .with_root_certificates(roots(path)?);
    let config = match identity {
        None => believing.with_no_client_auth(),
        Some((chain, key)) => believing
            .with_client_auth_cert(chain.clone(), key.clone_key())
            .map_err(TlsError::Unusable)?,
    };
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |source| TlsError::Read {
        path: path.to_owned(),
        source,
    };
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(failed)?
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    if chain.is_empty() {
        return Err(TlsError::Empty {
            path: path.to_owned(),
        });
    }
    Ok(chain)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|source| TlsError::Read {
        path: path.to_owned(),
        source,
    })
}

fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    // Old authorities of a system's bundle that cannot be read are left out, as every browser does.
    roots.add_parsable_certificates(certificates(path)?);
    Ok(roots)
}

/// The error with its cause, for a person.
pub(crate) fn explain(error: &TlsError) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

/// Whether the files can be used, without using them.
pub(crate) fn check(settings: &TlsSettings) -> Result<(), TlsError> {
    Current::load(settings).map(|_| ())
}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        Self::other(explain(&error))
    }
}
