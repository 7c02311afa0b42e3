//! The OA3 hardware hash: decode, verify and build. Pure.
