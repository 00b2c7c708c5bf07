//! Canonical addresses, and the nodes they name.

use super::*;

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn port(number: u16) -> NodeRef {
    NodeRef::Port(NonZeroU16::new(number).expect("not 0"))
}

#[test]
fn an_ipv4_address_in_ipv6_becomes_ipv4() {
    assert_eq!(canonical(address("[::ffff:192.0.2.1]:5001")), address("192.0.2.1:5001"));
    assert_eq!(canonical(address("192.0.2.1:5001")), address("192.0.2.1:5001"));
    assert_eq!(canonical(address("[2001:db8::1]:5001")), address("[2001:db8::1]:5001"));
    assert_eq!(canonical(address("[::1]:5001")), address("[::1]:5001"));
}

#[test]
fn a_flow_label_vanishes_and_a_zone_stays() {
    let ip = "fe80::1".parse().expect("an address");
    let received = SocketAddr::V6(SocketAddrV6::new(ip, 5001, 99, 3));
    assert_eq!(canonical(received), SocketAddr::V6(SocketAddrV6::new(ip, 5001, 0, 3)));
}

#[test]
fn an_address_that_names_no_single_node_is_not_reachable() {
    let cases = [
        ("192.0.2.1:0", AddressError::PortZero),
        ("[2001:db8::1]:0", AddressError::PortZero),
        ("0.0.0.0:5001", AddressError::Unspecified),
        ("[::]:5001", AddressError::Unspecified),
        ("[::ffff:0.0.0.0]:5001", AddressError::Unspecified),
        ("224.0.0.1:5001", AddressError::Multicast),
        ("239.255.255.255:5001", AddressError::Multicast),
        ("255.255.255.255:5001", AddressError::Multicast),
        ("[ff02::1]:5001", AddressError::Multicast),
        ("[::ffff:224.0.0.1]:5001", AddressError::Multicast),
        ("[::ffff:255.255.255.255]:5001", AddressError::Multicast),
    ];
    for (text, error) in cases {
        assert_eq!(reachable(address(text)), Err(error), "{text}");
        assert_eq!(NodeRef::parse(text), Err(error), "{text}");
    }
}

#[test]
fn a_reachable_address_is_given_in_canonical_form() {
    assert_eq!(reachable(address("[::ffff:192.0.2.1]:5001")), Ok(address("192.0.2.1:5001")));
    assert_eq!(reachable(address("127.0.0.1:1")), Ok(address("127.0.0.1:1")));
    assert_eq!(reachable(address("[::1]:65535")), Ok(address("[::1]:65535")));
}

#[test]
fn text_is_read_as_a_canonical_address() {
    assert_eq!(parse("192.0.2.1:5001"), Ok(address("192.0.2.1:5001")));
    assert_eq!(parse("[::ffff:192.0.2.1]:5001"), Ok(address("192.0.2.1:5001")));
    assert_eq!(parse("[2001:DB8:0::1]:5001"), Ok(address("[2001:db8::1]:5001")));
    assert_eq!(NodeRef::parse("192.0.2.1:5001"), Ok(NodeRef::Address(address("192.0.2.1:5001"))));
    let longest = "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535";
    assert_eq!(longest.len(), MAX_TEXT);
    assert_eq!(parse(longest), Err(AddressError::Multicast), "long, but an address");
    let longest = longest.replacen("ffff", "fdff", 1);
    assert_eq!(parse(&longest), Ok(address(&longest)));
}

#[test]
fn text_that_is_no_address_is_refused() {
    let texts = [
        "",
        ":5001",
        "5001",
        "localhost:5001",
        "192.0.2.1",
        "192.0.2.1:",
        "192.0.2.1:65536",
        "192.0.2.1:-1",
        "192.0.2.256:5001",
        "192.0.2:5001",
        " 192.0.2.1:5001",
        "192.0.2.1:5001 ",
        "2001:db8::1:5001",
        "[2001:db8::1]",
        "[192.0.2.1]:5001",
        "[fe80::1%1]:5001",
        "[fe80::1%eth0]:5001",
        // Within the form, but longer than anything that is needed.
        "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:0000065535",
    ];
    for text in texts {
        assert_eq!(parse(text), Err(AddressError::Syntax), "{text}");
    }
}

#[test]
fn a_port_is_on_the_host_that_the_datagram_came_from() {
    assert_eq!(port(5002).resolve(address("192.0.2.1:40000")), Ok(address("192.0.2.1:5002")));
    assert_eq!(port(5002).resolve(address("[2001:db8::1]:40000")), Ok(address("[2001:db8::1]:5002")));
    assert_eq!(port(5002).resolve(address("127.0.0.1:5001")), Ok(address("127.0.0.1:5002")));
}

#[test]
fn a_port_on_a_link_local_host_keeps_the_zone() {
    let at = |port| SocketAddr::V6(SocketAddrV6::new("fe80::1".parse().expect("an address"), port, 0, 3));
    assert_eq!(port(5002).resolve(at(40000)), Ok(at(5002)));
}

#[test]
fn an_address_is_what_it_says_wherever_the_datagram_came_from() {
    let node = NodeRef::Address(address("192.0.2.7:5007"));
    assert_eq!(node.resolve(address("192.0.2.1:5001")), Ok(address("192.0.2.7:5007")));
    assert_eq!(node.resolve(address("127.0.0.1:5001")), Ok(address("192.0.2.7:5007")));
}

#[test]
fn a_loopback_address_is_believed_only_from_loopback() {
    for text in ["127.0.0.1:5002", "127.9.9.9:5002", "[::1]:5002"] {
        let node = NodeRef::parse(text).expect("an address");
        assert_eq!(node.resolve(address("192.0.2.1:5001")), Err(AddressError::ForeignLoopback), "{text}");
        assert_eq!(node.resolve(address("[2001:db8::1]:5001")), Err(AddressError::ForeignLoopback), "{text}");
        assert_eq!(node.resolve(address("127.0.0.1:5001")), Ok(address(text)), "{text}");
        assert_eq!(node.resolve(address("[::1]:5001")), Ok(address(text)), "{text}");
    }
    // The same in disguise.
    let node = NodeRef::parse("[::ffff:127.0.0.1]:5002").expect("an address");
    assert_eq!(node.resolve(address("192.0.2.1:5001")), Err(AddressError::ForeignLoopback));
}

#[test]
fn a_group_is_a_slash_16_or_a_slash_32() {
    let group = |text: &str| group(text.parse().expect("an address"));
    assert_eq!(group("192.0.2.1"), group("192.0.255.255"));
    assert_ne!(group("192.0.2.1"), group("192.1.2.1"));
    assert_ne!(group("192.0.2.1"), group("191.0.2.1"));
    assert_eq!(group("2001:db8::1"), group("2001:db8:ffff::2"));
    assert_ne!(group("2001:db8::1"), group("2001:db9::1"));
    assert_ne!(group("2001:db8::1"), group("2002:db8::1"));
    assert_ne!(group("0.1.0.0"), group("0:1::"), "an IPv4 group is no IPv6 group");
}

#[test]
fn loopback_private_and_link_local_addresses_are_local() {
    let local = |text: &str| is_local(text.parse().expect("an address"));
    for text in
        ["127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.9.9", "192.168.1.1", "169.254.1.1", "::1", "fd00::1", "fe80::1"]
    {
        assert!(local(text), "{text}");
    }
    for text in ["192.0.2.1", "172.32.0.1", "11.0.0.1", "8.8.8.8", "2001:db8::1", "2606:4700::1111", "fec0::1"] {
        assert!(!local(text), "{text}");
    }
}
