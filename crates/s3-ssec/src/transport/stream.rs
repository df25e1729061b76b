//! A TCP stream with two habits: it asks the kernel to acknowledge at once, and it does not wait
//! for ever.
//!
//! *Acknowledge at once.* RGW sends header and body of an answer in two writes with Nagle's
//! algorithm on, and our kernel delays its acknowledgement of the first: 44 ms for every small
//! answer on 16.2, 18.2 and 20.2. `TCP_QUICKACK` set **after** a request was written takes it to
//! 1 ms; it is not sticky, so it is set again for every request.
//!
//! *Not for ever.* A gateway whose OSD is frozen keeps the connection open and says nothing.

use super::{Acknowledge, Timeouts};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

pub(crate) struct GatewayStream {
    io: TokioIo<TcpStream>,
    silence: Duration,
    deadline: Pin<Box<Sleep>>,
    wrote: bool,
    acknowledge: Acknowledge,
}

impl GatewayStream {
    pub(crate) fn new(
        io: TokioIo<TcpStream>,
        timeouts: Timeouts,
        acknowledge: Acknowledge,
    ) -> Self {
        let deadline = Box::pin(tokio::time::sleep(timeouts.silence));
        Self { io, silence: timeouts.silence, deadline, wrote: false, acknowledge }
    }

    /// A byte moved: the clock starts anew.
    fn progress(&mut self) {
        let deadline = Instant::now() + self.silence;
        self.deadline.as_mut().reset(deadline);
    }

    /// Nothing moved: an error when that has lasted too long.
    fn waited(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        ready!(self.deadline.as_mut().poll(context));
        let seconds = self.silence.as_secs();
        Poll::Ready(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("the gateway was silent for {seconds} s"),
        ))
    }

    fn acknowledge_at_once(&self) {
        #[cfg(target_os = "linux")]
        {
            // A refusal costs speed, nothing else.
            let _ = socket2::SockRef::from(self.io.inner()).set_tcp_quickack(true);
        }
    }
}

impl Read for GatewayStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if std::mem::take(&mut self.wrote) && self.acknowledge == Acknowledge::AtOnce {
            self.acknowledge_at_once();
        }
        match Pin::new(&mut self.io).poll_read(context, buffer) {
            Poll::Ready(done) => {
                self.progress();
                Poll::Ready(done)
            }
            Poll::Pending => self.waited(context).map(Err),
        }
    }
}

impl Write for GatewayStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.after_write(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(context, slices);
        self.after_write(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

impl GatewayStream {
    fn after_write(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(done) => {
                self.wrote = true;
                self.progress();
                Poll::Ready(done)
            }
            Poll::Pending => self.waited(context).map(Err),
        }
    }
}

impl Connection for GatewayStream {
    fn connected(&self) -> Connected {
        self.io.connected()
    }
}
