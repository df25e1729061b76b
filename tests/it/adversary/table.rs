//! The table: what each verb has to answer to each lie.

use super::plants::{self, Plant};
use harness::Lie;

/// One lie, and the exit code of each verb.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) name: &'static str,
    /// The change made to `p/b` before.
    pub(super) plant: Plant,
    /// The change made to answers meanwhile.
    pub(super) lie: Lie,
    /// In the order of [`super::cell::VERBS`].
    pub(super) codes: [i32; 14],
}

/// A cell that the command does not answer rightly yet: an open fault, and not tried.
pub(super) const O: i32 = -1;

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    let row = |name, plant, lie, codes| Row { name, plant, lie, codes };
    let at_rest = |name, plant, codes| row(name, plant, Lie::None, codes);
    let answer = |name, lie, codes| row(name, plants::nothing, lie, codes);
    vec![
        //                                                            put   get   cat  stat  audit rekey  rm
        //                                                              put-r get-r verify ls   cp   repair retire
        answer("honest", Lie::None,                                    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]),
        // Contents and records.
        at_rest("altered", plants::altered,                            [0, 0, 3, 3, 3, 3, 0, 0, 0, 3, 3, 0, 0, 5]),
        at_rest("shortened", plants::shortened,                        [0, 0, 3, 3, 3, 3, 3, 0, 3, 3, 3, 0, 0, 5]),
        at_rest("altered_and_pending", plants::altered_and_pending,    [0, 0, 3, 3, 3, 3, 0, 0, 0, 3, 3, 0, 0, 5]),
        at_rest("record_removed", plants::record_removed,              [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]),
        at_rest("altered_and_record_removed", plants::altered_and_record_removed,
                                                                       [0, 0, 3, 3, 3, 3, 0, 0, 0, 3, 3, 0, 0, 5]),
        at_rest("record_of_another", plants::record_of_another,        [0, 0, 3, 3, 3, 3, 3, 0, 3, 3, 3, 0, 0, 5]),
        at_rest("plaintext", plants::plaintext,                        [0, 0, 3, 3, 3, 3, 3, 0, 3, 3, 3, 0, 0, 0]),
        at_rest("plaintext_under_the_record", plants::plaintext_under_the_record,
                                                                       [0, 0, 3, 3, 3, 3, 3, 0, 3, 3, 3, 0, 0, 5]),
        at_rest("under_the_direct_key", plants::under_the_direct_key,  [0, 0, 3, 3, 3, 3, 3, 0, 3, 3, 3, 0, 0, 0]),
        // Copies.
        answer("copy_garbled", Lie::CopyGarbled,                       [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]),
        answer("copy_garbled_always", Lie::CopyGarbledAlways,          [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]),
        answer("copy_plain", Lie::CopyPlain,                           [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]),
        answer("copy_lost", Lie::CopyLost,                             [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]),
        // Listings.
        answer("list_cut", Lie::ListCut,                               [0, 1, 0, 1, 0, 0, 0, 1, 1, 0, 1, 1, 1, 1]),
        answer("list_without_token", Lie::ListNoToken,                 [0, 1, 0, 1, 0, 0, 0, 1, 1, 0, 1, 1, 1, 1]),
        answer("list_same_token", Lie::ListSameToken,                  [0, 1, 0, 1, 0, 0, 0, 1, 1, 0, 1, 1, 1, 1]),
        answer("list_html", Lie::ListHtml,                             [0, 1, 0, 1, 0, 0, 0, 1, 1, 0, 1, 1, 1, 1]),
        answer("list_empty", Lie::ListEmpty,                           [0, 1, 0, 1, 0, 0, 0, 1, 1, 0, 1, 1, 1, 1]),
        answer("list_error", Lie::ListError,                           [0, 1, 0, 1, 0, 0, 0, 1, 1, 0, 1, 1, 1, 1]),
        answer("list_count", Lie::ListCount,                           [0, 1, 0, 1, 0, 0, 0, 1, 1, 0, 1, 1, 1, 5]),
        // Lengths.
        answer("head_without_length", Lie::HeadNoLength,               [0, 0, 0, 0, 0, 0, 1, 0, 3, 1, 1, 0, 0, 5]),
        answer("head_longer", Lie::HeadLonger,                         [0, 0, 0, 0, 0, 0, 3, 0, 3, 3, 0, 0, 0, 5]),
        answer("head_shorter", Lie::HeadShorter,                       [0, 0, 0, 0, 0, 0, 3, 0, 3, 3, 0, 0, 0, 5]),
        answer("head_huge", Lie::HeadHuge,                             [0, 0, 0, 0, 0, 0, 1, 0, 3, 1, 1, 0, 0, 5]),
        answer("range_elsewhere", Lie::RangeElsewhere,                 [0, 0, 1, 1, 1, 1, 0, 0, 0, 1, 1, 0, 0, 5]),
        // Versions, tags, keys.
        answer("phantom_versions", Lie::PhantomVersions,               [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]),
        answer("tags_dropped", Lie::TagsDropped,                       [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]),
        answer("wrong_key_forbidden", Lie::WrongKeyForbidden,          [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]),
        answer("delete_kept", Lie::DeleteKept,                         [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 5]),
        // Writes.
        answer("put_doubled_echo", Lie::PutDoubledEcho,                [3, 3, 0, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 5]),
        answer("put_500", Lie::Put500,                                 [3, 3, 0, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 5]),
        answer("put_504", Lie::Put504,                                 [3, 3, 0, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 5]),
        answer("put_cut", Lie::PutCut,                                 [3, 3, 0, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 5]),
        answer("put_odd", Lie::PutOdd,                                 [3, 3, 0, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 5]),
    ]
}
