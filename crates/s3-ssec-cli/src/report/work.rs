//! Errors of work on many objects: audits, journals, manifests.

use super::{Exit, Failure};
use s3_ssec::core::journal::merge::MergeError;
use s3_ssec::{AuditError, SelectError, WorkError};

impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::Call(error) => Failure::from(error)
                .first("Started again with the same --out or --journal it goes on."),
            other => {
                let todo = "Look at the disk, then start it again: it goes on.";
                Failure::new(Exit::Failed, other.to_string(), todo)
            }
        }
    }
}

impl From<SelectError> for Failure {
    fn from(error: SelectError) -> Self {
        let todo = match &error {
            SelectError::Read(_) => "Check the name of the manifest and your rights to read it.",
            SelectError::Elsewhere { .. } => {
                "Name a place that holds every object of the manifest."
            }
            _ => "Write one object key a line; keys with line ends or quotes as JSON strings.",
        };
        Failure::new(Exit::Failed, error.to_string(), todo)
    }
}

impl From<WorkError> for Failure {
    fn from(error: WorkError) -> Self {
        let (exit, todo) = match &error {
            WorkError::File { .. } => (Exit::Failed, "Check the name and your rights."),
            WorkError::Busy(_) => {
                (Exit::Failed, "Wait for that process, or give this one another journal.")
            }
            WorkError::Other { .. } => {
                (Exit::Unsafe, "Give the options it was begun with, or name another journal.")
            }
            _ => (Exit::Unsafe, "Name another file. Nothing was changed in this one."),
        };
        Failure::new(exit, error.to_string(), todo)
    }
}

impl From<MergeError> for Failure {
    fn from(error: MergeError) -> Self {
        let todo = match &error {
            MergeError::OtherWork(_) => "Name only journals of one command on one place.",
            _ => "Name files that --journal wrote.",
        };
        Failure::new(Exit::Usage, error.to_string(), todo)
    }
}
