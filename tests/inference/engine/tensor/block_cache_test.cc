#include "inference/engine/tensor/block_cache.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace sheaf::engine {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

TEST(BlockCacheTest, ABlockServesTheNextOfItsSize) {
  BlockCache cache;
  void* first = cache.Take(kMiB, 0);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(first) % 64, 0u);
  cache.Put(first, kMiB, 4 * kMiB);
  EXPECT_EQ(cache.kept_bytes(), kMiB);
  EXPECT_EQ(cache.Take(kMiB, 4 * kMiB), first);
  EXPECT_EQ(cache.kept_bytes(), 0u);
  cache.Put(first, kMiB, 0);
  EXPECT_EQ(cache.kept_bytes(), 0u);
}

TEST(BlockCacheTest, TheOldestGoFirst) {
  BlockCache cache;
  const size_t sizes[] = {kMiB, 2 * kMiB, 3 * kMiB};
  void* blocks[3];
  for (int i = 0; i < 3; ++i) blocks[i] = cache.Take(sizes[i], 8 * kMiB);
  for (int i = 0; i < 3; ++i) cache.Put(blocks[i], sizes[i], 5 * kMiB);
  // The first block was dropped to make room for the third.
  EXPECT_EQ(cache.kept_bytes(), 5 * kMiB);
  EXPECT_EQ(cache.Take(3 * kMiB, 8 * kMiB), blocks[2]);
  cache.Put(blocks[2], 3 * kMiB, 3 * kMiB);
  EXPECT_EQ(cache.kept_bytes(), 3 * kMiB);
  cache.Trim(0);
  EXPECT_EQ(cache.kept_bytes(), 0u);
}

TEST(BlockCacheTest, AFreshBlockIsNotTakenBesideWhatMayNotBeKept) {
  BlockCache cache;
  cache.Put(cache.Take(2 * kMiB, 0), 2 * kMiB, 2 * kMiB);
  void* other = cache.Take(kMiB, kMiB);
  EXPECT_EQ(cache.kept_bytes(), 0u);
  cache.Put(other, kMiB, 0);
}

TEST(BlockCacheTest, RoundedSizesAreAtMostAnEighthLarger) {
  for (size_t bytes = 1; bytes < 64 * kMiB; bytes = bytes * 9 / 7 + 1) {
    const size_t size = BlockCache::RoundedSize(bytes);
    EXPECT_GE(size, bytes);
    EXPECT_LE(size, bytes + bytes / 8 + 64) << bytes;
    EXPECT_EQ(BlockCache::RoundedSize(size), size) << bytes;
  }
}

TEST(BlockCacheTest, WhatCannotBeHadIsNull) {
  BlockCache cache;
  cache.Put(cache.Take(kMiB, 0), kMiB, kMiB);
  EXPECT_EQ(cache.Take(size_t{1} << 60, kMiB), nullptr);
  EXPECT_EQ(cache.kept_bytes(), 0u);
}

}  // namespace
}  // namespace sheaf::engine
