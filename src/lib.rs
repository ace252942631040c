//! Keyholder: people ask for access, the right people decide, it appears, and it ends by itself.
//!
//! The map of the house stands in README.md; the rooms, from the ground up:

#![recursion_limit = "256"]

// Ground floor.
pub mod access;
pub mod db;
pub mod error;
pub mod kernel;
pub mod site;
pub mod web;

// Slices, in import order: each may use those above it.
pub mod settings;

pub mod directory;
pub mod organizations;

pub mod delegation;

pub mod catalogs;
pub mod packages;
pub mod policies;
pub mod standing_in;

pub mod audit;

pub mod assignments;
pub mod requests;
pub mod reviews;
pub mod team;

pub mod provisioning;

pub mod home;
pub mod notify;
pub mod signin;

// The top: what puts the rooms together.
pub mod app;
pub mod config;
pub mod demo;
pub mod jobs;
pub mod serve;
