//! The pages and their paths.

use domain::{GuidanceLink, GuidanceType, PageLanguage};

/// The page that a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) language: PageLanguage,
    pub(super) guidance_type: GuidanceType,
}

impl Place {
    pub(super) fn of(link: &GuidanceLink) -> Self {
        Self { language: link.language, guidance_type: link.guidance_type }
    }

    /// The page's path, which never holds a secret.
    pub(super) fn path(self) -> String {
        let name = match self.guidance_type {
            GuidanceType::ShowCard => "detail",
            GuidanceType::SetPin => "set-pin",
            GuidanceType::ResetPin => "reset-pin",
            GuidanceType::FaceCheck => "face",
            GuidanceType::KycForm => "kyc",
        };
        format!("/{}/card/{name}", self.language)
    }

    pub(super) fn all() -> impl Iterator<Item = Self> {
        PageLanguage::ALL.iter().flat_map(|&language| {
            let place = move |&guidance_type| Self { language, guidance_type };
            GuidanceType::ALL.iter().map(place)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_page_has_a_path_of_its_own_in_both_languages() {
        let paths: HashSet<_> = Place::all().map(Place::path).collect();
        assert_eq!(paths.len(), PageLanguage::ALL.len() * GuidanceType::ALL.len());
        let published = Place { language: PageLanguage::En, guidance_type: GuidanceType::ShowCard };
        assert_eq!(published.path(), "/en/card/detail");
    }
}
