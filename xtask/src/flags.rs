//! The command line. The part below "generated start" is written by xflags.
#![allow(
    unreachable_pub,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "xflags generates public items and a parser that prints its help"
)]

use std::path::PathBuf;

xflags::xflags! {
    src "./src/flags.rs"

    /// Builds, checks and tests s3-ssec, and runs real Ceph RADOS Gateways for it.
    cmd xtask {
        /// The main job on a real gateway, step by step: the first command to try.
        cmd demo {
            /// Use this gateway (with your AWS_* credentials) instead of a local one.
            optional --endpoint url: String
            /// The bucket to make and use, with --endpoint.
            optional --bucket name: String
            /// Size of the file: a number with KiB, MiB or GiB. Default 1GiB.
            optional --size size: String
        }

        /// Everything: check, command, gateways 16, 18 and 20, and the live tests.
        cmd test {
            /// Run only the live tests whose name contains this, without the checks.
            optional --only name: String
            /// Run the live tests on this gateway, with your AWS_* credentials.
            optional --endpoint url: String
        }

        /// What needs no gateway: format, tidy, clippy, unit tests, vectors, documentation.
        cmd check {}

        /// House rules that compilers do not know.
        cmd tidy {}

        /// The same as `test`, for a server.
        cmd ci {}

        /// Builds the JavaScript package.
        cmd wasm {
            /// Kind of package: web (default) or nodejs.
            optional --target target: String
            /// Features of s3-ssec-wasm to build with.
            optional --features list: String
            /// Where to write it. Default: web/pkg, or a directory under the target directory.
            optional --out dir: PathBuf
        }

        /// A real Ceph RADOS Gateway on loopback. VERSION is 16, 18 or 20.
        cmd rgw {
            /// Fetch once, start, make users. Default version: 18.
            cmd up {
                /// An empty cluster in memory: fast, forgets everything when it stops.
                optional --memstore
                /// VERSION ... and opt=value ... of the gateway's configuration.
                repeated what: String
            }
            /// Stop; the data stay. Default: all that run.
            cmd down {
                /// VERSION ...
                repeated what: String
            }
            /// Restart the gateway alone, with these options and no others.
            cmd restart {
                /// VERSION ... and opt=value ...
                repeated what: String
            }
            /// Stop and delete the data.
            cmd wipe {
                /// VERSION ...
                repeated what: String
            }
            /// Print `export` lines for a shell. Default version: 18.
            cmd env {
                /// VERSION
                optional version: String
            }
            /// What runs, where, and with how much memory.
            cmd status {}
            /// Run radosgw-admin, rados, ... of that release.
            cmd run {
                /// VERSION
                required version: String
                /// The program and its arguments.
                repeated command: String
            }
        }
    }
}
