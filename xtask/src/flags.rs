//! The command line. The part below "generated start" is written by xflags.
#![allow(
    unreachable_pub,
    clippy::allow_attributes_without_reason,
    reason = "xflags generates public items, and attributes of its own"
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
            /// The page instead: a gateway with CORS set, and its address. Ends with Ctrl-C.
            optional --web
        }

        /// Everything: check, command, gateways 16, 18, 20 and Garage, and the live tests.
        cmd test {
            /// Run only the live tests whose name contains this, without the checks.
            optional --only name: String
            /// Run the live tests on this gateway, with your AWS_* credentials.
            optional --endpoint url: String
        }

        /// What needs no gateway: format, tidy, clippy, unit tests, vectors, documentation.
        cmd check {}

        /// This client beside others, on one gateway in one run: speed, CPU time, memory.
        cmd bench {
            /// Once, with 128 MiB and few files, to see that it works.
            optional --quick
            /// Instead: the page in Chromium, beside the command, aws and the signer of the AWS SDK.
            optional --page
            /// Instead: a rekey, beside a download and an upload of the same bytes.
            optional --rekey
            /// Rounds, of which the table has the medians. Default: 5.
            optional --runs number: u32
            /// Only measure this command; write `--` before it.
            repeated command: String
        }

        /// House rules that compilers do not know.
        cmd tidy {}

        /// The same as `test`, for a server.
        cmd ci {}

        /// The guide of web/guide, built and checked: no link to nowhere, no request to strangers.
        cmd guide {
            /// Where to write it. Default: a directory under the target directory.
            optional --out dir: PathBuf
            /// Instead: try the gateways 16, 18, 20 and Garage, and write their table again.
            optional --gateways
        }

        /// What has to hold before a release: packages, licences, public items, Debian package, ...
        cmd release-check {
            /// Run only the parts whose name contains this.
            optional --only name: String
            /// Instead: write the lists of public items anew.
            optional --update
        }

        /// Builds the JavaScript package.
        cmd wasm {
            /// Kind of package: web (default) or nodejs.
            optional --target target: String
            /// Features of s3-ssec-wasm to build with.
            optional --features list: String
            /// Where to write it. Default: web/pkg, or a directory under the target directory.
            optional --out dir: PathBuf
        }

        /// The page of web/.
        cmd web {
            /// Build it and serve it on loopback until Ctrl-C.
            cmd serve {
                /// Default: 8714.
                optional --port port: u16
            }
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
// generated start
// The following code is generated by `xflags` macro.
// Run `env UPDATE_XFLAGS=1 cargo build` to regenerate.
#[derive(Debug)]
pub struct Xtask {
    pub subcommand: XtaskCmd,
}

#[derive(Debug)]
pub enum XtaskCmd {
    Demo(Demo),
    Test(Test),
    Check(Check),
    Bench(Bench),
    Tidy(Tidy),
    Ci(Ci),
    Guide(Guide),
    ReleaseCheck(ReleaseCheck),
    Wasm(Wasm),
    Web(Web),
    Rgw(Rgw),
}

#[derive(Debug)]
pub struct Demo {
    pub endpoint: Option<String>,
    pub bucket: Option<String>,
    pub size: Option<String>,
    pub web: bool,
}

#[derive(Debug)]
pub struct Test {
    pub only: Option<String>,
    pub endpoint: Option<String>,
}

#[derive(Debug)]
pub struct Check;

#[derive(Debug)]
pub struct Bench {
    pub command: Vec<String>,

    pub quick: bool,
    pub page: bool,
    pub rekey: bool,
    pub runs: Option<u32>,
}

#[derive(Debug)]
pub struct Tidy;

#[derive(Debug)]
pub struct Ci;

#[derive(Debug)]
pub struct Guide {
    pub out: Option<PathBuf>,
    pub gateways: bool,
}

#[derive(Debug)]
pub struct ReleaseCheck {
    pub only: Option<String>,
    pub update: bool,
}

#[derive(Debug)]
pub struct Wasm {
    pub target: Option<String>,
    pub features: Option<String>,
    pub out: Option<PathBuf>,
}

#[derive(Debug)]
pub struct Web {
    pub subcommand: WebCmd,
}

#[derive(Debug)]
pub enum WebCmd {
    Serve(Serve),
}

#[derive(Debug)]
pub struct Serve {
    pub port: Option<u16>,
}

#[derive(Debug)]
pub struct Rgw {
    pub subcommand: RgwCmd,
}

#[derive(Debug)]
pub enum RgwCmd {
    Up(Up),
    Down(Down),
    Restart(Restart),
    Wipe(Wipe),
    Env(Env),
    Status(Status),
    Run(Run),
}

#[derive(Debug)]
pub struct Up {
    pub what: Vec<String>,

    pub memstore: bool,
}

#[derive(Debug)]
pub struct Down {
    pub what: Vec<String>,
}

#[derive(Debug)]
pub struct Restart {
    pub what: Vec<String>,
}

#[derive(Debug)]
pub struct Wipe {
    pub what: Vec<String>,
}

#[derive(Debug)]
pub struct Env {
    pub version: Option<String>,
}

#[derive(Debug)]
pub struct Status;

#[derive(Debug)]
pub struct Run {
    pub version: String,
    pub command: Vec<String>,
}

impl Xtask {
    #[allow(dead_code)]
    pub fn from_env_or_exit() -> Self {
        Self::from_env_or_exit_()
    }

    #[allow(dead_code)]
    pub fn from_env() -> xflags::Result<Self> {
        Self::from_env_()
    }

    #[allow(dead_code)]
    pub fn from_vec(args: Vec<std::ffi::OsString>) -> xflags::Result<Self> {
        Self::from_vec_(args)
    }
}
// generated end
