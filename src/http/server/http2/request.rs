//! Brings a request of HTTP/2 into the shape that one of HTTP/1 has, so that everything further in
//! knows one shape only, and holds it to the same bounds.

use http::{HeaderMap, HeaderValue, Method, Request, Uri, header, uri::PathAndQuery};

use crate::http::layers::limits::{HEADER_LIMIT, HeadFault, HeadLimits};

/// What a header line has in HTTP/1 beside its name and its value: `: ` and the line's end.
const LINE_SURPLUS_BYTES: usize = 4;

/// How long a list of headers hyper may take: more than the bounds, so that what is over them is
/// refused here, in Graph's words. HTTP/2 counts 32 bytes more for each header.
pub(super) fn header_list_bytes(limits: &HeadLimits) -> u32 {
    let bytes = 2 * (limits.target_bytes + limits.headers_bytes + 32 * HEADER_LIMIT);
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// Brings a request into shape. Whatever is wrong with it, it is still there to be answered.
pub(super) fn shape<B>(request: &mut Request<B>, limits: &HeadLimits) -> Result<(), HeadFault> {
    // hyper would take a good answer to it for a tunnel.
    if request.method() == Method::CONNECT {
        return Err(HeadFault::Malformed);
    }
    let authority = request.uri().authority().map(ToString::to_string);
    let target = match request.uri().path_and_query() {
        Some(target) => target.clone(),
        None => PathAndQuery::from_static("/"),
    };
    let target_bytes = target.as_str().len();
    *request.uri_mut() = Uri::from(target);
    name_host(request.headers_mut(), authority)?;
    if target_bytes > limits.target_bytes {
        return Err(HeadFault::TargetTooLong);
    }
    let headers = request.headers();
    let bytes: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + LINE_SURPLUS_BYTES)
        .sum();
    if bytes > limits.headers_bytes || headers.len() > HEADER_LIMIT {
        return Err(HeadFault::HeadersTooLarge);
    }
    Ok(())
}

/// Makes a `Host` of `:authority`. Two that differ leave room for two opinions.
fn name_host(headers: &mut HeaderMap, authority: Option<String>) -> Result<(), HeadFault> {
    let mut named = headers.get_all(header::HOST).iter();
    match (named.next(), named.next(), authority) {
        (_, Some(_), _) => Err(HeadFault::Malformed),
        (Some(host), None, Some(authority)) => {
            let same = host.as_bytes().eq_ignore_ascii_case(authority.as_bytes());
            same.then_some(()).ok_or(HeadFault::Malformed)
        }
        (None, None, Some(authority)) => {
            let host = HeaderValue::try_from(authority).map_err(|_| HeadFault::Malformed)?;
            headers.insert(header::HOST, host);
            Ok(())
        }
        (_, None, None) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shaped(target: &str, headers: &[(&str, &str)]) -> Result<Request<()>, HeadFault> {
        let request = headers
            .iter()
            .fold(Request::get(target), |request, &(name, value)| {
                request.header(name, value)
            });
        let mut request = request.body(()).unwrap();
        shape(&mut request, &HeadLimits::default()).map(|()| request)
    }

    #[test]
    fn the_authority_becomes_the_host() {
        for headers in [&[][..], &[("host", "LOCALHOST:8443")]] {
            let request = shaped("https://localhost:8443/a%2Fb?$top=1", headers).unwrap();
            assert_eq!(request.uri(), "/a%2Fb?$top=1");
            let host = request.headers()[header::HOST].to_str().unwrap();
            assert!(host.eq_ignore_ascii_case("localhost:8443"));
        }
        let request = shaped("/a", &[("host", "localhost")]).unwrap();
        assert_eq!(request.headers()[header::HOST], "localhost");
        for headers in [
            &[("host", "evil.example")][..],
            &[("host", "localhost"), ("host", "localhost")],
        ] {
            let found = shaped("https://localhost/", headers).unwrap_err();
            assert_eq!(found, HeadFault::Malformed);
        }
    }

    #[test]
    fn the_bounds_are_those_of_http_1() {
        let long = "x".repeat(16 * 1024);
        let found = shaped(&format!("https://a/{long}"), &[]).unwrap_err();
        assert_eq!(found, HeadFault::TargetTooLong);
        shaped(&format!("https://a/{}", &long[1..]), &[]).unwrap();
        let found = shaped("https://a/", &[("x", long.as_str()); 4]).unwrap_err();
        assert_eq!(found, HeadFault::HeadersTooLarge);
        let found = shaped("https://a/", &[("x", "1"); 100]).unwrap_err();
        assert_eq!(found, HeadFault::HeadersTooLarge);
        shaped("https://a/", &[("x", "1"); 99]).unwrap();
    }
}
