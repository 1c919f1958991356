//! The keys of `[[trunk]]`, `[[outbound]]`, `[dns]`: what each becomes, and what is refused.

use super::*;
use expect_test::expect;
use hotline_sip::{NumberRule, Transport, Trunk, TrunkHost, TrunkLimits};
use hotline_switchboard::RegionSource;

const LISTENERS: &str = "[sip]\nudp = [\"10.1.1.1:5060\"]\ntcp = [\"10.1.1.1:5060\"]\ntls = [\"10.1.1.1:5061\"]\n\
     [tls]\ncertificate = \"a.pem\"\nkey = \"a.key\"\nclient_roots = \"c.pem\"\n";

fn good(more: &str) -> Loaded {
    let secret = ("viettel.secret", "geheim\n");
    let folder = Folder::new();
    folder.write("hotline111.toml", &format!("{LISTENERS}{more}"));
    let queues = std::fs::read_to_string(repository().join("config/queues.toml")).unwrap();
    folder.write("queues.toml", &queues);
    folder.write(secret.0, secret.1);
    let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(folder.0.join(secret.0), owner_only).unwrap();
    load(&folder.0.join("hotline111.toml"), &options()).unwrap()
}

fn trunk(lines: &str) -> Trunk {
    let more = format!("[[trunk]]\nname = \"viettel\"\nsources = [\"10.2.2.2\"]\n{lines}");
    good(&more).sip.trunks.remove(0)
}

fn rule(begins: &str, becomes: &str) -> NumberRule {
    NumberRule {
        begins: begins.to_owned(),
        becomes: becomes.to_owned(),
    }
}

#[test]
fn a_carrier_that_only_calls_us_needs_no_more_than_name_and_addresses() {
    let trunk = trunk("");
    assert_eq!(trunk.sources, [("10.2.2.2".parse().unwrap(), None)]);
    assert_eq!((trunk.probe_ms, trunk.probe_failures_max), (0, 3));
    assert_eq!((trunk.first_response_ms, trunk.register_s), (5_000, None));
    assert!(trunk.hosts.is_empty() && trunk.login.is_none() && trunk.numbers_out.is_empty());
    assert_eq!(trunk.limits, TrunkLimits::default());
    assert!(!trunk.is_by_certificate && !trunk.is_large_by_tcp && !trunk.is_private);
}

#[test]
fn hosts_are_addresses_or_names_with_port_and_transport_if_need_be() {
    let trunk = trunk(
        "hosts = [\"10.2.2.2\", \"10.2.2.2:5070;tcp\", \"2001:db8::1\", \"[2001:db8::1]:5070\", \"SBC.example.vn\", \
         \"sbc.example.vn:5070;udp\", \"sbc.example.vn;tls\"]\n",
    );
    let host = |host: &str, port, transport| TrunkHost {
        host: host.to_owned(),
        port,
        transport,
    };
    assert_eq!(
        trunk.hosts,
        [
            host("10.2.2.2", None, None),
            host("10.2.2.2", Some(5070), Some(Transport::Tcp)),
            host("2001:db8::1", None, None),
            host("2001:db8::1", Some(5070), None),
            host("sbc.example.vn", None, None),
            host("sbc.example.vn", Some(5070), Some(Transport::Udp)),
            host("sbc.example.vn", None, Some(Transport::Tls)),
        ]
    );
    assert_eq!(trunk.probe_ms, 10_000, "whoever takes calls is probed");
}

#[test]
fn login_registration_probes_limits_and_numbers_are_read() {
    let trunk = trunk(
        "hosts = [\"10.2.2.2\"]\ndomain = \"ims.viettel.vn\"\nuser = \"024311\"\n\
         password = { file = \"viettel.secret\" }\nrealm = \"r.vn\"\nregister = \"1min\"\nprobe = \"20s\"\n\
         probe_failures = 5\nfirst_response = \"2s\"\nlarge_by_tcp = true\ncalls = 9\ncalls_in = 8\ncalls_out = 7\n\
         per_s_in = 6\nper_s_out = 5\ncaller = \"+84243111\"\nassert_caller = true\nhide_caller = true\n\
         numbers_out = [\"+84=0\", \"=0\"]\n",
    );
    let login = trunk.login.clone().unwrap();
    assert_eq!(
        (
            login.user.as_str(),
            login.password.as_str(),
            login.realm.as_str()
        ),
        ("024311", "geheim", "r.vn")
    );
    assert!(
        !format!("{trunk:?}").contains("geheim"),
        "the password stays out of logs"
    );
    assert_eq!(
        (trunk.domain.as_str(), trunk.register_s),
        ("ims.viettel.vn", Some(60))
    );
    assert_eq!((trunk.probe_ms, trunk.probe_failures_max), (20_000, 5));
    assert_eq!(
        (trunk.first_response_ms, trunk.is_large_by_tcp),
        (2_000, true)
    );
    assert_eq!(
        trunk.limits,
        TrunkLimits {
            calls_max: 9,
            calls_in_max: 8,
            calls_out_max: 7,
            in_per_s: 6,
            out_per_s: 5,
        }
    );
    assert_eq!(trunk.caller, "+84243111");
    assert!(trunk.is_identity_asserted && trunk.is_private);
    assert_eq!(trunk.numbers_out, [rule("+84", "0"), rule("", "0")]);
}

#[test]
fn number_rules_inwards_and_regions_are_read() {
    let loaded = good(
        "[[trunk]]\nname = \"viettel\"\nsources = [\"10.2.2.2\"]\ncallers_in = [\"9=\"]\ndialled_in = [\"9024=\"]\n\
         area = \"24\"\n\
         regions = [\"dialled:9024=hanoi\", \"caller:+84236=danang\", \"group:hcm=angiang\", \"X-Region:hn=hanoi\"]\n",
    );
    let numbers = &loaded.sip.numbers[0];
    assert_eq!(numbers.callers_in, [rule("9", "")]);
    assert_eq!(numbers.dialled_in, [rule("9024", "")]);
    assert_eq!(numbers.area, "24");
    let regions: Vec<(RegionSource, &str, &str)> = numbers
        .regions
        .iter()
        .take(4) // Behind them stand the area codes.
        .map(|rule| {
            (
                rule.source.clone(),
                rule.begins.as_str(),
                rule.region.as_str(),
            )
        })
        .collect();
    assert_eq!(
        regions,
        [
            (RegionSource::Dialled, "9024", "hanoi"),
            (RegionSource::Caller, "+84236", "danang"),
            (RegionSource::TrunkGroup, "hcm", "angiang"),
            (RegionSource::Header("x-region".to_owned()), "hn", "hanoi"),
        ]
    );
    assert_eq!(loaded.sip.trunks[0].region_headers, ["x-region"]);
}

#[test]
fn a_carrier_by_certificate_needs_no_addresses() {
    let loaded = good(
        "[[trunk]]\nname = \"shown\"\ncertificate = \"sbc.viettel.vn\"\nby_certificate = true\n",
    );
    assert!(loaded.sip.trunks[0].is_by_certificate);
    assert!(loaded.sip.trunks[0].sources.is_empty());
    let certificate = &loaded.sip.tls.trunks[0];
    assert_eq!(certificate.certificate.as_deref(), Some("sbc.viettel.vn"));
    assert!(certificate.is_demanded);
}

#[test]
fn numbers_outside_go_over_trunks_in_order_and_some_never() {
    let loaded = good(
        "[dns]\nservers = [\"10.0.0.53:53\", \"[2001:db8::53]:53\"]\n\
         [[trunk]]\nname = \"a\"\nsources = [\"10.2.2.2\"]\nhosts = [\"10.2.2.2\"]\n\
         [[trunk]]\nname = \"b\"\nsources = [\"10.2.2.3\"]\nhosts = [\"10.2.2.3\"]\n\
         [[outbound]]\ndialled = [\"1900%\"]\nallowed = false\n\
         [[outbound]]\ndialled = [\"113\", \"0%\"]\ntrunks = [\"b\", \"a\"]\n",
    );
    let rules: Vec<(&str, Vec<&str>)> = loaded
        .plan
        .outbound
        .iter()
        .map(|rule| {
            let trunks = rule.trunks.iter().map(String::as_str);
            (rule.dialled.as_str(), trunks.collect())
        })
        .collect();
    assert_eq!(
        rules,
        [
            ("1900%", vec![]),
            ("113", vec!["b", "a"]),
            ("0%", vec!["b", "a"])
        ]
    );
    assert_eq!(loaded.sip.name_servers.len(), 2);
}

#[test]
fn what_no_carrier_can_be_is_refused() {
    let main = "[sip]\nudp = [\"10.1.1.1:5060\"]\n";
    expect![[r#"
        error: `client_roots` is missing in [tls]
        hotline111.toml:3:1: error: `password` is missing in [trunk]
            3 | [[trunk]]
              | ^^^^^^^^^
        hotline111.toml:6:10: error: the trunk is reached over tcp, and [sip] has no listener for `tcp`
            6 | hosts = ["10.2.2.2;tcp", "a_b!", "h:0"]
              |          ^^^^^^^^^^^^^^
        hotline111.toml:6:26: error: `hosts` wants an address or a name like "sbc.example.vn:5070;tcp", not "a_b!"
            6 | hosts = ["10.2.2.2;tcp", "a_b!", "h:0"]
              |                          ^^^^^^
        hotline111.toml:6:34: error: `hosts` wants an address or a name like "sbc.example.vn:5070;tcp", not "h:0"
            6 | hosts = ["10.2.2.2;tcp", "a_b!", "h:0"]
              |                                  ^^^^^
        hotline111.toml:8:16: error: `numbers_out` wants a rule for numbers like "0=+84", not "+84"
            8 | numbers_out = ["+84"]
              |                ^^^^^
        hotline111.toml:9:12: error: `regions` wants a rule for regions like "group:hn=hanoi" or "dialled:9024=hanoi", not "hanoi"
            9 | regions = ["hanoi"]
              |            ^^^^^^^
        hotline111.toml:11:1: error: `hosts` is missing in [trunk]
           11 | [[trunk]]
              | ^^^^^^^^^
        hotline111.toml:11:1: error: `user` is missing in [trunk]
           11 | [[trunk]]
              | ^^^^^^^^^
        hotline111.toml:13:12: error: `register` must be between "30s" and "24h", not "1s"
           13 | register = "1s"
              |            ^^^^
        hotline111.toml:14:9: error: `probe` must be between "0s" and "10min", not "20min"
           14 | probe = "20min"
              |         ^^^^^^^
        hotline111.toml:15:1: error: `certificate` is missing in [trunk]
           15 | [[trunk]]
              | ^^^^^^^^^
        hotline111.toml:17:18: error: the trunk is reached over tls, and [sip] has no listener for `tls`
           17 | by_certificate = true
              |                  ^^^^
        hotline111.toml:18:1: error: `dialled` is missing in [outbound]
           18 | [[outbound]]
              | ^^^^^^^^^^^^
        hotline111.toml:19:11: error: there is no trunk `d`
           19 | trunks = ["d"]
              |           ^^^
              = did you mean `a`?
        hotline111.toml:22:11: error: trunk c has no `hosts`: no call can go out over it
           22 | trunks = ["c"]
              |           ^^^
        hotline111.toml:23:1: error: `trunks` is missing in [outbound]
           23 | [[outbound]]
              | ^^^^^^^^^^^^
    "#]].assert_eq(&faults(
        &format!(
            "{main}[[trunk]]\nname = \"a\"\nsources = [\"10.2.2.2\"]\nhosts = [\"10.2.2.2;tcp\", \"a_b!\", \"h:0\"]\n\
             register = \"1min\"\nnumbers_out = [\"+84\"]\nregions = [\"hanoi\"]\nuser = \"u\"\n\
             [[trunk]]\nname = \"b\"\nregister = \"1s\"\nprobe = \"20min\"\n\
             [[trunk]]\nname = \"c\"\nby_certificate = true\n\
             [[outbound]]\ntrunks = [\"d\"]\n\
             [[outbound]]\ndialled = [\"0%\"]\ntrunks = [\"c\"]\n\
             [[outbound]]\ndialled = [\"1%\"]\n",
        ),
        &[],
    ));
}
