//! Each check finds something wrong.
